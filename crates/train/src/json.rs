//! Saved values as JSON: what checkpoints and logs write.
//!
//! Numbers come back to the last bit. What JSON has no word for is an object with one key that begins with `$`:
//! `{"$float": "7ff8000000000000"}` for infinities and NaN, `{"$tensor": "name"}` for a tensor that is kept elsewhere,
//! `{"$tuple": [..]}`, and `{"$ints": {..}}` for a dictionary with integer keys. A dictionary's own key that begins with
//! `$` gets a second one in front.

mod parse;

pub(crate) use parse::{cost, parse, room_for};

use optim::{Dict, Value};
use std::fmt::{Arguments, Write};
use tensor_core::Tensor;

const FLOAT: &str = "$float";
const TENSOR: &str = "$tensor";
const TUPLE: &str = "$tuple";
const INTS: &str = "$ints";

/// Writes a value. `tensor` keeps a tensor, found at this path, and says under which name.
pub(crate) fn write(value: &Value, tensor: &mut dyn FnMut(&str, &Tensor) -> String) -> String {
    let mut writer = Writer { text: String::new(), path: String::new(), tensor };
    writer.value(value);
    writer.text
}

struct Writer<'a> {
    text: String,
    /// Names joined by dots.
    path: String,
    tensor: &'a mut dyn FnMut(&str, &Tensor) -> String,
}

impl Writer<'_> {
    fn value(&mut self, value: &Value) {
        match value {
            Value::Bool(x) => push(&mut self.text, format_args!("{x}")),
            Value::Int(x) => push(&mut self.text, format_args!("{x}")),
            Value::Float(x) if x.is_finite() => push(&mut self.text, format_args!("{x:?}")),
            Value::Float(x) => self.special(FLOAT, |writer| {
                push(&mut writer.text, format_args!("\"{:016x}\"", x.to_bits()));
            }),
            Value::Str(x) => push_string(&mut self.text, x),
            Value::List(items) => self.items('[', items.iter().enumerate(), ']', |i, _| i.to_string()),
            Value::Dict(dict) => self.items('{', dict, '}', |key, text| {
                let escape = if key.starts_with('$') { "$" } else { "" };
                push_string(text, &format!("{escape}{key}"));
                text.push(':');
                key.clone()
            }),
            Value::Tensor(tensor) => {
                let name = (self.tensor)(&self.path, tensor);
                self.special(TENSOR, |writer| push_string(&mut writer.text, &name));
            }
            Value::Tuple(items) => self.special(TUPLE, |writer| {
                writer.items('[', items.iter().enumerate(), ']', |i, _| i.to_string());
            }),
            Value::IntDict(dict) => self.special(INTS, |writer| {
                writer.items('{', dict, '}', |key, text| {
                    push(text, format_args!("\"{key}\":"));
                    key.to_string()
                });
            }),
            // `None`; the enum may grow.
            _ => self.text.push_str("null"),
        }
    }

    /// An object of one key that says what its value means.
    fn special(&mut self, key: &str, value: impl FnOnce(&mut Self)) {
        push(&mut self.text, format_args!("{{\"{key}\":"));
        value(self);
        self.text.push('}');
    }

    /// Items between brackets. `name` writes what comes before an item and says how the path goes on.
    fn items<'v, K>(
        &mut self,
        open: char,
        items: impl IntoIterator<Item = (K, &'v Value)>,
        close: char,
        name: impl Fn(K, &mut String) -> String,
    ) {
        self.text.push(open);
        for (place, (key, item)) in items.into_iter().enumerate() {
            self.text.push_str(if place == 0 { "" } else { "," });
            let parent = self.path.len();
            self.path.push_str(if parent == 0 { "" } else { "." });
            self.path.push_str(&name(key, &mut self.text));
            self.value(item);
            self.path.truncate(parent);
        }
        self.text.push(close);
    }
}

/// A line of a log: numbers that are not finite become null, as readers of JSON expect.
pub(crate) fn line(entries: &Dict) -> String {
    let mut text = String::from("{");
    for (place, (key, value)) in entries.iter().enumerate() {
        text.push_str(if place == 0 { "" } else { "," });
        push_string(&mut text, key);
        text.push(':');
        match value {
            Value::Float(x) if !x.is_finite() => text.push_str("null"),
            value => text.push_str(&write(value, &mut |_, tensor| tensor.shape().to_string())),
        }
    }
    text.push('}');
    text
}

fn push(text: &mut String, arguments: Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = text.write_fmt(arguments);
}

fn push_string(text: &mut String, string: &str) {
    text.push('"');
    for c in string.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            c if c < ' ' => push(text, format_args!("\\u{:04x}", c as u32)),
            c => text.push(c),
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn round_trip(value: &Value) -> Value {
        let mut kept = BTreeMap::new();
        let text = write(value, &mut |path, tensor| {
            kept.insert(path.to_string(), tensor.clone());
            path.to_string()
        });
        parse(&text, room_for(cost(value)), &mut |name| kept.remove(name)).unwrap()
    }

    #[test]
    fn values_come_back_to_the_last_bit() {
        let floats = [0.0, -0.0, 0.1, 1e300, 5e-324, -7.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
        let tensor = Tensor::from_vec(vec![1.0f32, f32::NAN], [2]).unwrap();
        let value = Value::Dict(Dict::from([
            ("none".into(), Value::None),
            ("truth".into(), Value::List(vec![Value::Bool(true), Value::Bool(false)])),
            ("whole".into(), Value::List([i64::MIN, -1, 0, i64::MAX].map(Value::Int).into())),
            ("floats".into(), Value::List(floats.map(Value::Float).into())),
            ("text".into(), Value::Str("\"quotes\" \\ \n \u{1} é 🦀".into())),
            ("$tensor".into(), Value::Str("no tensor".into())),
            ("tuple".into(), Value::Tuple(vec![Value::Int(1), Value::None])),
            ("ints".into(), Value::IntDict(BTreeMap::from([(-7, Value::Bool(true)), (0, Value::None)]))),
            ("$$".into(), Value::Dict(Dict::new())),
            ("a.b".into(), Value::List(vec![Value::Dict(Dict::from([("c".into(), Value::Tensor(tensor))]))])),
        ]));
        assert_eq!(round_trip(&value), value);
    }

    #[test]
    fn malformed_text_is_an_error_with_its_place() {
        for (text, at) in [
            ("", 0),
            ("nul", 0),
            ("[1,]", 3),
            ("[1 2]", 3),
            (r#"{"a":1,"a":2}"#, 10),
            (r#"{"a" 1}"#, 5),
            ("01", 1),
            ("1.", 2),
            ("-", 1),
            ("1e", 2),
            ("9223372036854775808", 19),
            ("1e999", 5),
            ("\"a", 2),
            ("\"\u{1}\"", 1),
            (r#""\x""#, 2),
            (r#""\ud800""#, 3),
            (r#""\u12"#, 3),
            ("[] []", 3),
            (r#"{"$float":"7"}"#, 13),
            (r#"{"$float":1}"#, 10),
            (r#"{"$tensor":"x"}"#, 14),
            (r#"{"$other":1}"#, 10),
            (r#"{"$tuple":1}"#, 10),
            (r#"{"$ints":{"01":1}}"#, 17),
            (r#"{"a":1,"$b":1}"#, 11),
        ] {
            let fault = parse(text, 0, &mut |_| None).unwrap_err();
            assert_eq!(fault.at, at, "{text}: {}", fault.reason);
        }
        let deep = "[".repeat(100_000);
        assert!(parse(&deep, 0, &mut |_| None).unwrap_err().reason.contains("deep"));
    }

    #[test]
    fn a_line_is_plain_json() {
        let entries = Dict::from([
            ("loss".into(), Value::Float(0.5)),
            ("nan".into(), Value::Float(f64::NAN)),
            ("step".into(), Value::Int(3)),
            ("tag".into(), Value::Str("a\"b".into())),
        ]);
        assert_eq!(line(&entries), r#"{"loss":0.5,"nan":null,"step":3,"tag":"a\"b"}"#);
    }

    /// What is written is read again, however much more memory it takes than text; what another wrote, to a bound.
    #[test]
    fn values_have_room_for_what_they_cost() {
        let item =
            |i: i64| Value::Tuple(vec![Value::Int(i), Value::Float(f64::NAN), Value::Str("\"\n".into())]);
        let texts: Dict = (0..3000).map(|i| (format!("${i}"), item(i))).collect();
        let numbers = (0..3000).map(|i| (-i, Value::List(vec![item(i), Value::None]))).collect();
        let many = Value::List(vec![
            Value::Dict(texts),
            Value::IntDict(numbers),
            Value::List(vec![Value::None; 5000]),
        ]);
        assert_eq!(round_trip(&many), many);
        let room = room_for(cost(&many));
        assert!(room > 1 << 20);
        let text = write(&many, &mut |_, _| String::new());
        let fault = parse(&text, room / 2, &mut |_| None).unwrap_err();
        assert!(fault.reason.contains("far more memory than the file"), "{fault:?}");
    }
}
