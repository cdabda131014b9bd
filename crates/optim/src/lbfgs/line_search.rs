//! The line search for the strong Wolfe conditions.

use super::flat::Flat;
use crate::Result;

/// Share of the first slope by which the loss must fall.
const C1: f64 = 1e-4;
/// Share of the first slope under which the slope must come.
const C2: f64 = 0.9;

/// A point on the line.
#[derive(Clone)]
pub(super) struct Point {
    /// How far along the direction.
    pub t: f64,
    /// The loss there.
    pub f: f64,
    /// The gradient there.
    pub g: Flat,
    /// The gradient along the direction.
    pub slope: f64,
}

/// A point where loss and slope have fallen enough, from at most about `room` evaluations; `reach` is the largest
/// absolute element of the direction.
pub(super) fn strong_wolfe(
    evaluate: &mut impl FnMut(f64) -> Result<Point>,
    start: Point,
    length: f64,
    reach: f64,
    tolerance: f64,
    room: usize,
) -> Result<Point> {
    let enough = |point: &Point| point.slope.abs() <= -C2 * start.slope;
    let too_high = |point: &Point| point.f > start.f + C1 * point.t * start.slope;
    let mut made = 0;
    let mut previous = start.clone();
    let mut new = evaluate(length)?;
    // Out, until a minimum lies between two points.
    let mut bracket = loop {
        if made == room {
            break [start.clone(), new];
        }
        if too_high(&new) || (made > 1 && new.f >= previous.f) {
            break [previous, new];
        }
        if enough(&new) {
            return Ok(new);
        }
        if new.slope >= 0.0 {
            break [previous, new];
        }
        let bounds = (new.t + 0.01 * (new.t - previous.t), new.t * 10.0);
        let t = cubic_minimum(&previous, &new, bounds);
        previous = std::mem::replace(&mut new, evaluate(t)?);
        made += 1;
    };
    // In, between the two.
    let lower = |bracket: &[Point; 2]| if bracket[0].f <= bracket[1].f { 0 } else { 1 };
    let mut low = lower(&bracket);
    let mut slow = false;
    let mut done = false;
    while !done && made < room {
        let (left, right) = (bracket[0].t.min(bracket[1].t), bracket[0].t.max(bracket[1].t));
        if (right - left) * reach < tolerance {
            break;
        }
        let t;
        (t, slow) = keep_off(cubic_minimum(&bracket[0], &bracket[1], (left, right)), left, right, slow);
        let new = evaluate(t)?;
        made += 1;
        let high = 1 - low;
        if too_high(&new) || new.f >= bracket[low].f {
            bracket[high] = new;
            low = lower(&bracket);
        } else {
            done = enough(&new);
            if !done && new.slope * (bracket[high].t - bracket[low].t) >= 0.0 {
                bracket.swap(low, high);
            }
            bracket[low] = new;
        }
    }
    let [first, second] = bracket;
    Ok(if low == 0 { first } else { second })
}

/// `t`, moved off the ends of the bracket where it comes too near for the second time, and whether it was near.
fn keep_off(t: f64, left: f64, right: f64, slow: bool) -> (f64, bool) {
    let margin = 0.1 * (right - left);
    if right - t >= margin && t - left >= margin {
        return (t, false);
    }
    if !slow && t < right && t > left {
        return (t, true);
    }
    let moved = if (t - right).abs() < (t - left).abs() { right - margin } else { left + margin };
    (moved, false)
}

/// The minimum of the cubic through two points with their slopes, held within `bounds`; their middle where it has none.
fn cubic_minimum(a: &Point, b: &Point, bounds: (f64, f64)) -> f64 {
    let d1 = a.slope + b.slope - 3.0 * (a.f - b.f) / (a.t - b.t);
    let square = d1 * d1 - a.slope * b.slope;
    if square < 0.0 || square.is_nan() {
        return (bounds.0 + bounds.1) / 2.0;
    }
    let d2 = square.sqrt();
    let t = if a.t <= b.t {
        b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2.0 * d2))
    } else {
        a.t - (a.t - b.t) * ((a.slope + d2 - d1) / (a.slope - b.slope + 2.0 * d2))
    };
    // Comparisons as Python's min and max make them: NaN stays.
    let t = if bounds.0 > t { bounds.0 } else { t };
    if bounds.1 < t { bounds.1 } else { t }
}
