//! Layers by their definitions: loops over slices on one thread, with the standard library's functions.

/// Softmax of each row of `width`.
pub fn softmax(x: &[f32], y: &mut [f32], width: usize) {
    for (x, y) in x.chunks_exact(width).zip(y.chunks_exact_mut(width)) {
        let max = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        for (y, x) in y.iter_mut().zip(x) {
            *y = (x - max).exp();
        }
        let sum: f32 = y.iter().sum();
        for y in y {
            *y /= sum;
        }
    }
}

/// The layer norm of each row as wide as `weight`.
pub fn layer_norm(x: &[f32], weight: &[f32], bias: &[f32], eps: f32, y: &mut [f32]) {
    let width = weight.len();
    for (x, y) in x.chunks_exact(width).zip(y.chunks_exact_mut(width)) {
        let mean = x.iter().sum::<f32>() / width as f32;
        let var = x.iter().map(|x| (x - mean) * (x - mean)).sum::<f32>() / width as f32;
        let rstd = 1.0 / (var + eps).sqrt();
        for i in 0..width {
            y[i] = (x[i] - mean) * rstd * weight[i] + bias[i];
        }
    }
}

/// The mean cross entropy of rows of logits.
pub fn cross_entropy(x: &[f32], target: &[i64], classes: usize) -> f32 {
    let rows = x.chunks_exact(classes).zip(target);
    let total: f32 = rows
        .map(|(x, &target)| {
            let max = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let sum: f32 = x.iter().map(|x| (x - max).exp()).sum();
            max + sum.ln() - x[target as usize]
        })
        .sum();
    total / target.len() as f32
}

/// The largest of each 2×2 window of planes of `side`².
pub fn max_pool2d(x: &[f32], side: usize, y: &mut [f32]) {
    let half = side / 2;
    for (x, y) in x.chunks_exact(side * side).zip(y.chunks_exact_mut(half * half)) {
        for i in 0..half {
            for j in 0..half {
                let at = 2 * i * side + 2 * j;
                y[i * half + j] = x[at].max(x[at + 1]).max(x[at + side]).max(x[at + side + 1]);
            }
        }
    }
}

/// 3×3 kernels on planes of `side`² with one channel, padded by 1.
pub fn conv2d(x: &[f32], weight: &[f32], bias: &[f32], side: usize, y: &mut [f32]) {
    let plane = side * side;
    for (x, y) in x.chunks_exact(plane).zip(y.chunks_exact_mut(bias.len() * plane)) {
        for ((y, weight), bias) in y.chunks_exact_mut(plane).zip(weight.chunks_exact(9)).zip(bias) {
            y.fill(*bias);
            for i in 0..side {
                for j in 0..side {
                    for (h, w) in (0..9).map(|k| (k / 3, k % 3)) {
                        let (row, column) = (i + h, j + w);
                        if (1..=side).contains(&row) && (1..=side).contains(&column) {
                            y[i * side + j] += weight[h * 3 + w] * x[(row - 1) * side + column - 1];
                        }
                    }
                }
            }
        }
    }
}
