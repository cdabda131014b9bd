//! How a product is cut into tasks: by sizes alone, never by the number of threads.

use std::ops::Range;

/// Multiplications worth a task of their own: about 20 µs of a fast core, several times a hand-over between threads.
const TASK: usize = 1 << 20;

/// Tasks that a product is cut into for the sake of more threads; a large one has more, by [`TILE_ROWS`] and
/// [`TILE_B`].
const PARTS: usize = 16;

/// Longest block of k that is summed in registers: 14 rows of A of this length are 28 KiB and stay in a 32 KiB L1 cache.
pub(super) const BLOCK: usize = 512;

/// Most rows of a tile.
const TILE_ROWS: usize = 256;

/// Most elements of a tile's part of B, columns by a block of k: half of a 1 MiB L2 cache.
const TILE_B: usize = 1 << 17;

/// Rows that are worth a strip of C of their own: with fewer the columns are cut too, so that B is read less often.
const STRIP: usize = 64;

/// Tiles start at multiples of this many columns: one cache line of f32, two vectors of 512 bits.
const COLS_STEP: usize = 32;

/// A rectangle of C.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tile {
    pub(super) matrix: usize,
    pub(super) rows: Range<usize>,
    pub(super) cols: Range<usize>,
}

/// Tasks of a batched product.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Split {
    batch: usize,
    rows: usize,
    cols: usize,
    tile_rows: usize,
    tile_cols: usize,
    /// Matrices in a task; more than one only if a matrix is one tile.
    group: usize,
}

impl Split {
    /// For `batch` products `[m, k] x [k, n]`; sizes over 0 but for k.
    pub(super) fn new(batch: usize, m: usize, k: usize, n: usize) -> Self {
        let work = m.saturating_mul(n).saturating_mul(k.max(1));
        let (mut row_parts, mut col_parts) = (1, 1);
        if work > TASK {
            (row_parts, col_parts) = (m.div_ceil(TILE_ROWS), n.div_ceil(TILE_B / k.clamp(1, BLOCK)));
            // Halve while halves are worth a task and there are few: strips of rows, over which A is read once, then
            // the longer side.
            while row_parts * col_parts < PARTS && work / (2 * row_parts * col_parts) >= TASK {
                if m / row_parts > STRIP.min(n / col_parts) { row_parts *= 2 } else { col_parts *= 2 }
            }
        }
        Self {
            batch,
            rows: m,
            cols: n,
            tile_rows: m.div_ceil(row_parts),
            tile_cols: n.div_ceil(col_parts).next_multiple_of(COLS_STEP),
            group: if row_parts * col_parts == 1 { (TASK / work).clamp(1, batch) } else { 1 },
        }
    }

    fn tiles_of_matrix(&self) -> usize {
        self.rows.div_ceil(self.tile_rows) * self.cols.div_ceil(self.tile_cols)
    }

    /// Whether several tiles have the same columns of the same matrix, which is the only one.
    pub(super) fn tiles_share_columns(&self) -> bool {
        self.batch == 1 && self.rows > self.tile_rows
    }

    /// Number of tasks.
    pub(super) fn tasks(&self) -> usize {
        self.batch.div_ceil(self.group) * self.tiles_of_matrix()
    }

    /// The tiles of task `task`. Together the tasks cover every element of C once.
    pub(super) fn tiles(&self, task: usize) -> impl Iterator<Item = Tile> + use<> {
        let split = *self;
        let (first, tile) = (task / split.tiles_of_matrix() * split.group, task % split.tiles_of_matrix());
        let across = split.cols.div_ceil(split.tile_cols);
        let (row, col) = (tile / across * split.tile_rows, tile % across * split.tile_cols);
        (first..split.batch.min(first + split.group)).map(move |matrix| Tile {
            matrix,
            rows: row..split.rows.min(row + split.tile_rows),
            cols: col..split.cols.min(col + split.tile_cols),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_cover_every_element_once() {
        for (batch, m, k, n) in
            [(1, 64, 784, 256), (3, 300, 200, 517), (50, 8, 8, 8), (2, 1, 5000, 3000), (1, 1, 0, 1)]
        {
            let split = Split::new(batch, m, k, n);
            let mut count = vec![0; batch * m * n];
            for tile in (0..split.tasks()).flat_map(|task| split.tiles(task)) {
                for i in tile.rows.clone() {
                    for j in tile.cols.clone() {
                        count[(tile.matrix * m + i) * n + j] += 1;
                    }
                }
            }
            assert!(count.iter().all(|&c| c == 1), "{split:?}");
        }
    }

    #[test]
    fn small_work_is_one_task_and_large_work_is_several() {
        assert_eq!(Split::new(1, 64, 64, 64).tasks(), 1);
        assert_eq!(Split::new(1, 64, 784, 256).tasks(), 8);
        assert_eq!(Split::new(64, 8, 8, 8).tasks(), 1);
        assert!(Split::new(1, 1024, 1024, 1024).tasks() >= 16);
    }
}
