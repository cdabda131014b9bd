use super::*;
use crate::kernel::testing::{assert_close, narrow, noise, same_bits_for_threads};
use crate::kernel::window::{Axis, Window};

fn axis(input: usize, kernel: usize, stride: usize, padding: usize, dilation: usize) -> Axis {
    let window = Window { kernel, stride, padding, dilation };
    Axis { input, output: window.output_size(input, false).unwrap(), window }
}

fn cut(axis: Axis, output: usize) -> Axis {
    Axis { output, ..axis }
}

fn geometry(batch: usize, in_channels: usize, out_channels: usize, groups: usize, axes: Axes) -> Geometry {
    Geometry { batch, in_channels, out_channels, groups, axes }
}

fn geometries() -> Vec<Geometry> {
    let unit = Axis::UNIT;
    vec![
        geometry(2, 1, 1, 1, [unit; 3]),
        geometry(3, 1, 4, 1, [unit, axis(7, 3, 1, 1, 1), axis(6, 3, 1, 1, 1)]),
        geometry(2, 4, 6, 2, [unit, axis(9, 3, 2, 1, 2), axis(11, 2, 3, 0, 3)]),
        geometry(2, 6, 6, 6, [unit, axis(5, 5, 1, 2, 1), axis(4, 1, 1, 0, 1)]),
        geometry(3, 5, 7, 1, [unit, axis(6, 1, 1, 0, 1), axis(5, 1, 1, 0, 1)]),
        geometry(2, 3, 2, 1, [unit, axis(4, 1, 2, 1, 1), axis(4, 1, 1, 2, 1)]),
        geometry(2, 3, 4, 1, [unit, unit, axis(13, 4, 2, 3, 1)]),
        geometry(2, 2, 3, 1, [axis(4, 2, 1, 1, 1), axis(5, 3, 2, 1, 1), axis(6, 2, 1, 0, 2)]),
        geometry(1, 1, 1, 1, [unit, axis(1, 3, 1, 1, 1), axis(2, 5, 1, 3, 1)]),
        // One more element of padding at the end, and positions left out.
        geometry(2, 2, 3, 1, [unit, cut(axis(5, 2, 1, 0, 1), 5), cut(axis(6, 4, 1, 1, 1), 6)]),
        geometry(2, 2, 3, 1, [unit, cut(axis(9, 2, 2, 1, 4), 2), cut(axis(8, 2, 1, 1, 4), 3)]),
        // Several strips and several tasks.
        geometry(20, 40, 9, 1, [unit, axis(20, 3, 1, 1, 1), axis(20, 3, 1, 1, 1)]),
        // Without a patch matrix, on processors that can.
        geometry(2, 8, 16, 1, [unit, axis(7, 3, 1, 1, 1), axis(9, 3, 1, 1, 1)]),
        geometry(3, 16, 18, 2, [unit, axis(14, 5, 1, 1, 2), axis(6, 5, 1, 4, 2)]),
        geometry(2, 9, 33, 1, [unit, axis(5, 1, 1, 0, 1), axis(67, 3, 1, 1, 1)]),
        geometry(1, 17, 8, 1, [unit, axis(2, 5, 1, 3, 1), axis(1, 9, 1, 4, 1)]),
        geometry(2, 8, 8, 1, [unit, unit, cut(axis(70, 4, 1, 1, 1), 70)]),
        geometry(0, 8, 8, 1, [unit, axis(5, 3, 1, 1, 1), axis(5, 3, 1, 1, 1)]),
        geometry(0, 2, 3, 1, [unit, axis(5, 3, 1, 1, 1), axis(5, 3, 1, 1, 1)]),
    ]
}

fn lens(geometry: &Geometry) -> (usize, usize, usize) {
    let (before, after) = geometry.part_lens();
    let parts = geometry.parts();
    (parts * before, geometry.out_channels * geometry.patch(), parts * after)
}

/// Calls `each(x index, weight index, y index)` for every product of the convolution, from the definition.
fn for_each_product(geometry: &Geometry, mut each: impl FnMut(usize, usize, usize)) {
    let (inputs, outputs) = geometry.group_channels();
    let (axes, plane, positions) = (geometry.axes, input_len(&geometry.axes), output_len(&geometry.axes));
    let kernel = kernel_len(&axes);
    let split =
        |i: usize, sizes: [usize; 3]| [i / sizes[2] / sizes[1], i / sizes[2] % sizes[1], i % sizes[2]];
    for n in 0..geometry.batch {
        for o in 0..geometry.out_channels {
            for (p, c, k) in (0..positions)
                .flat_map(|p| (0..inputs).flat_map(move |c| (0..kernel).map(move |k| (p, c, k))))
            {
                let at = split(p, axes.map(|axis| axis.output));
                let offset = split(k, axes.map(|axis| axis.window.kernel));
                let mut index = Some(0);
                for d in 0..3 {
                    let Window { stride, padding, dilation, .. } = axes[d].window;
                    let i = (at[d] * stride + offset[d] * dilation) as i64 - padding as i64;
                    let inside = (0..axes[d].input as i64).contains(&i);
                    index = index.filter(|_| inside).map(|index| index * axes[d].input + i as usize);
                }
                if let Some(index) = index {
                    let x = (n * geometry.in_channels + o / outputs * inputs + c) * plane + index;
                    each(x, (o * inputs + c) * kernel + k, (n * geometry.out_channels + o) * positions + p);
                }
            }
        }
    }
}

#[test]
fn forward_and_gradients_follow_the_definition() {
    for geometry in geometries() {
        let (x_len, weight_len, y_len) = lens(&geometry);
        let (x, weight, g) = (noise(x_len, 1), noise(weight_len, 2), noise(y_len, 3));
        let bias = noise(geometry.out_channels, 4);
        let (mut want, mut want_dx, mut want_dw) =
            (vec![0.0; y_len], vec![0.0; x_len], vec![0.0; weight_len]);
        for_each_product(&geometry, |i, j, k| {
            want[k] += x[i] * weight[j];
            want_dx[i] += g[k] * weight[j];
            want_dw[j] += g[k] * x[i];
        });
        let channel = |i: usize| i / output_len(&geometry.axes) % geometry.out_channels;
        let mut want_db = vec![0.0; geometry.out_channels];
        g.iter().enumerate().for_each(|(i, g)| want_db[channel(i)] += g);
        let mut y = vec![9.0; y_len];
        conv(&geometry, &x, &weight, None, &mut y);
        assert_close(&y, &want, 1e-11, 1e-11);
        want.iter_mut().enumerate().for_each(|(i, y)| *y += bias[channel(i)]);
        conv(&geometry, &x, &weight, Some(&bias), &mut y);
        assert_close(&y, &want, 1e-11, 1e-11);
        let (mut dx, mut dw, mut db) = (vec![9.0; x_len], vec![9.0; weight_len], vec![9.0; bias.len()]);
        conv_input_gradient(&geometry, &g, &weight, &mut dx);
        conv_weight_gradient(&geometry, &g, &x, &mut dw);
        conv_bias_gradient(&geometry, &g, &mut db);
        assert_close(&dx, &want_dx, 1e-11, 1e-11);
        assert_close(&dw, &want_dw, 1e-10, 1e-10);
        assert_close(&db, &want_db, 1e-11, 1e-11);

        let (x, weight, g, bias) = (narrow(&x), narrow(&weight), narrow(&g), narrow(&bias));
        let mut y = vec![9.0; y_len];
        conv(&geometry, &x, &weight, Some(&bias), &mut y);
        assert_close(&y, &want, 1e-5, 1e-4);
        let (mut dx, mut dw, mut db) = (vec![9.0; x_len], vec![9.0; weight_len], vec![9.0; bias.len()]);
        conv_input_gradient(&geometry, &g, &weight, &mut dx);
        conv_weight_gradient(&geometry, &g, &x, &mut dw);
        conv_bias_gradient(&geometry, &g, &mut db);
        assert_close(&dx, &want_dx, 1e-5, 1e-4);
        assert_close(&dw, &want_dw, 1e-5, 1e-3);
        assert_close(&db, &want_db, 1e-5, 1e-4);
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn without_a_patch_matrix_on_every_instruction_set() {
    use crate::kernel::simd::{Level, level};
    let mut done = 0;
    for geometry in geometries() {
        let (x_len, weight_len, y_len) = lens(&geometry);
        let (x, weight, g) = (noise(x_len, 1), noise(weight_len, 2), noise(y_len, 3));
        let bias = noise(geometry.out_channels, 4);
        let (mut y, mut dx, mut dw) = (vec![0.0; y_len], vec![0.0; x_len], vec![0.0; weight_len]);
        for_each_product(&geometry, |i, j, k| {
            y[k] += x[i] * weight[j];
            dx[i] += g[k] * weight[j];
            dw[j] += g[k] * x[i];
        });
        let channel = |i: usize| i / output_len(&geometry.axes) % geometry.out_channels;
        y.iter_mut().enumerate().for_each(|(i, y)| *y += bias[channel(i)]);
        let (x, weight, g, bias) = (narrow(&x), narrow(&weight), narrow(&g), narrow(&bias));
        for level in [Level::Avx2, Level::Avx512].into_iter().filter(|&l| l <= level()) {
            let Some(direct) = direct::Direct::new(&geometry, level) else { continue };
            let mut got = [vec![9.0; y_len], vec![9.0; x_len], vec![9.0; weight_len]];
            direct.output(&x, &weight, Some(&bias), &mut got[0]);
            direct.input_gradient(&g, &weight, &mut got[1]);
            direct.weight_gradient(&g, &x, &mut got[2]);
            for (got, want) in got.iter().zip([&y, &dx, &dw]) {
                assert_close(got, want, 1e-5, 1e-4);
            }
            done += 1;
        }
    }
    assert!(done >= 6 || level() == Level::Baseline);
}

/// A NaN reaches every output whose window covers it and no other.
#[test]
fn nan_stays_under_its_windows() {
    let line = axis(9, 3, 1, 1, 1);
    let geometry = geometry(1, 1, 1, 1, [Axis::UNIT, Axis::UNIT, line]);
    let mut x = [1.0f32; 9];
    x[4] = f32::NAN;
    let mut y = [0.0; 9];
    conv(&geometry, &x, &[1.0; 3], None, &mut y);
    assert_eq!(
        y.map(f32::is_nan),
        [3, 4, 5].iter().fold([false; 9], |mut nan, &i| {
            nan[i] = true;
            nan
        })
    );
}

#[test]
fn same_bits_for_any_number_of_threads() {
    let plane = [Axis::UNIT, axis(14, 3, 1, 1, 1), axis(14, 3, 1, 1, 1)];
    let geometry = geometry(37, 16, 32, 2, plane);
    let (x_len, weight_len, y_len) = lens(&geometry);
    let (x, weight) = (narrow(&noise(x_len, 1)), narrow(&noise(weight_len, 2)));
    same_bits_for_threads(|| {
        let (mut y, mut dx) = (vec![0.0; y_len], vec![0.0; x_len]);
        let (mut dw, mut db) = (vec![0.0; weight_len], vec![0.0; 32]);
        conv(&geometry, &x, &weight, None, &mut y);
        conv_input_gradient(&geometry, &y, &weight, &mut dx);
        conv_weight_gradient(&geometry, &y, &x, &mut dw);
        conv_bias_gradient(&geometry, &y, &mut db);
        [y, dx, dw, db].concat()
    });
}
