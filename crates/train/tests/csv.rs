//! Tables: what is read, and where an error says that it is.
#![cfg(feature = "csv")]
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use train::data::csv;

fn table(text: &[u8], header: bool) -> (Vec<usize>, Vec<f64>) {
    let table = csv::from_bytes("table", text, header).unwrap();
    (table.shape().to_vec(), table.to_vec().unwrap())
}

#[test]
fn tables_are_read_as_the_crate_csv_reads_them() {
    let expected = (vec![2, 2], vec![1.0, -2.5, 3e4, 0.125]);
    for text in [
        &b"1,-2.5\n3e4,0.125\n"[..],
        b"1,-2.5\n3e4,0.125",
        b"1,-2.5\r\n3e4,0.125\r\n",
        b"\n1,-2.5\n\n\r\n3e4,0.125\n\n",
        b" 1 ,\"-2.5\"\n\"3e4\",0.125\n",
    ] {
        assert_eq!(table(text, false), expected, "{:?}", String::from_utf8_lossy(text));
        let named = [b"a,\"b\nc\"\n", text].concat();
        assert_eq!(table(&named, true), expected, "{:?}", String::from_utf8_lossy(&named));
    }
    assert_eq!(table(b"", false), (vec![0, 0], vec![]));
    assert_eq!(table(b"a,b\n", true), (vec![0, 0], vec![]));
}

/// Lines of odd lengths, far more than what is read at a time.
#[test]
fn numbers_lie_across_the_edges_of_what_is_read_at_a_time() {
    let numbers: Vec<f64> = (0..30_000).map(|i| f64::from(i) * 1.1).collect();
    let lines: Vec<String> = numbers.chunks(3).map(|x| format!("{},{},{}\n", x[0], x[1], x[2])).collect();
    let text = lines.concat();
    assert_eq!(table(text.as_bytes(), false), (vec![10_000, 3], numbers));
    // The place of an error is counted over the edges, too.
    let bad = format!("{text}1,2,x\n");
    let error = csv::from_bytes("table", bad.as_bytes(), false).unwrap_err().to_string();
    assert_eq!(error, format!("table: at byte {}: line 10001, field 3: \"x\" is not a number", text.len()));
}

#[test]
fn errors_name_the_file_and_the_place() {
    let long = [&b"1\n"[..], &[b'7'; 3000]].concat();
    for (text, expected) in [
        (&b"1,2\n3\n"[..], "at byte 4: line 2, 1 fields, the lines before have 2"),
        (b"1,2\n\n3,4,5", "at byte 5: line 3, 3 fields, the lines before have 2"),
        (b"1,2\r\n3,four\r\n", "at byte 5: line 2, field 2: \"four\" is not a number"),
        (b"1,\n", "at byte 0: line 1, field 2: \"\" is not a number"),
        (b"1;2\n", "at byte 0: line 1, field 1: \"1;2\" is not a number"),
        (b"1\n\xff\xfe\n", "at byte 2: line 2, field 1: \"\u{fffd}\u{fffd}\" is not a number"),
        (b"1\n\"2\n3\n", "at byte 2: line 2, field 1: \"2\\n3\\n\" is not a number"),
        (&long, "at byte 2: line 2, field 1: \"7777777777777777777777777777777777777777\" is not a number"),
    ] {
        let error = csv::from_bytes("table", text, false).unwrap_err().to_string();
        assert_eq!(error, format!("table: {expected}"));
    }
    let path = std::env::temp_dir().join(format!("train-csv-{}.csv", std::process::id()));
    assert!(csv::read(&path, false).unwrap_err().to_string().starts_with(&path.display().to_string()));
    std::fs::write(&path, "1,2\n3,x\n").unwrap();
    let error = csv::read(&path, false).unwrap_err().to_string();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(error, format!("{}: at byte 4: line 2, field 2: \"x\" is not a number", path.display()));
}
