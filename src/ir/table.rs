//! Constant data that follows from a few numbers: positions, angles, slopes. Computed in f64 on the host, because WGSL's
//! `log`, `sin` and `pow` are not exact enough at the places where a bucket or a bit changes.

use super::Type;

/// Constant data. What depends on a distance has a row for each distance `k - q` of Tq queries and Tk keys, from
/// `1 - Tq` to `Tk - 1`, as [`super::Attention`] reads a bias.
#[derive(Clone, PartialEq, Debug)]
pub enum Table {
    /// The buckets of T5's relative positions (Raffel et al. 2020; Hugging Face's `_relative_position_bucket`).
    /// u32 `[Tq + Tk - 1]`.
    RelativeBuckets {
        /// Keys to the right have buckets of their own.
        bidirectional: bool,
        /// How many buckets.
        buckets: usize,
        /// Distances from here on share the last one.
        max_distance: usize,
        /// Tq.
        queries: usize,
        /// Tk.
        keys: usize,
    },
    /// Fixed positions (Vaswani et al. 2017): `sin(t/10000^{2j/D})` in column 2j, the cosine in the next. `[rows, columns]`.
    Sinusoids {
        /// Positions.
        rows: usize,
        /// D.
        columns: usize,
    },
    /// Angles `t·base^{-2j/E}` for [`super::Op::Rotate`]: E/2 cosines, then E/2 sines. `[rows, E]`.
    Angles {
        /// Positions.
        rows: usize,
        /// E.
        head_dim: usize,
        /// 10000 in the paper.
        base: f64,
    },
    /// `-slope·|k - q|` with the slopes of ALiBi (Press et al. 2022). `[Tq + Tk - 1, heads]`.
    Slopes {
        /// Heads.
        heads: usize,
        /// Tq.
        queries: usize,
        /// Tk.
        keys: usize,
    },
}

/// The elements of a table, row-major.
#[derive(Clone, PartialEq, Debug)]
pub enum TableValues {
    /// Numbers.
    Float(Vec<f64>),
    /// Indices.
    Index(Vec<u32>),
}

impl TableValues {
    /// The bits of the elements as the GPU holds them: f32 or u32.
    #[must_use]
    pub fn words(&self) -> Vec<u32> {
        match self {
            Self::Float(values) => values.iter().map(|&v| (v as f32).to_bits()).collect(),
            Self::Index(values) => values.clone(),
        }
    }
}

impl Table {
    /// Element type and extents.
    #[must_use]
    pub fn ty(&self) -> Type {
        let distances = |queries: usize, keys: usize| (queries + keys).saturating_sub(1);
        match *self {
            Self::RelativeBuckets { queries, keys, .. } => Type::u32(&[distances(queries, keys)]),
            Self::Sinusoids { rows, columns } => Type::f32(&[rows, columns]),
            Self::Angles { rows, head_dim, .. } => Type::f32(&[rows, head_dim]),
            Self::Slopes { heads, queries, keys } => Type::f32(&[distances(queries, keys), heads]),
        }
    }

    /// The elements.
    #[must_use]
    pub fn values(&self) -> TableValues {
        match *self {
            Self::RelativeBuckets { bidirectional, buckets, max_distance, queries, keys } => {
                let bucket = |distance| relative_bucket(distance, bidirectional, buckets, max_distance);
                TableValues::Index(distances(queries, keys).map(bucket).collect())
            }
            Self::Sinusoids { rows, columns } => {
                let element = |t: usize, c: usize| {
                    let angle = t as f64 / libm::pow(10_000.0, (c - c % 2) as f64 / columns as f64);
                    if c.is_multiple_of(2) { libm::sin(angle) } else { libm::cos(angle) }
                };
                TableValues::Float((0..rows).flat_map(|t| (0..columns).map(move |c| element(t, c))).collect())
            }
            Self::Angles { rows, head_dim, base } => {
                let half = head_dim / 2;
                let element = |t: usize, c: usize| {
                    let angle = t as f64 * libm::pow(base, -2.0 * (c % half.max(1)) as f64 / head_dim as f64);
                    if c < half { libm::cos(angle) } else { libm::sin(angle) }
                };
                TableValues::Float((0..rows).flat_map(|t| (0..head_dim).map(move |c| element(t, c))).collect())
            }
            Self::Slopes { heads, queries, keys } => {
                let slopes = alibi_slopes(heads);
                let row = |distance: i64| slopes.iter().map(move |slope| -slope * distance.unsigned_abs() as f64);
                TableValues::Float(distances(queries, keys).flat_map(row).collect())
            }
        }
    }
}

/// `k - q` of each row.
fn distances(queries: usize, keys: usize) -> impl Iterator<Item = i64> {
    (1 - queries as i64)..keys as i64
}

/// The bucket of a distance `k - q`: half of the buckets (of each direction) are exact, the rest grow with the logarithm.
#[must_use]
pub fn relative_bucket(distance: i64, bidirectional: bool, buckets: usize, max_distance: usize) -> u32 {
    let (first, buckets, n) = if bidirectional {
        let half = buckets / 2;
        (if distance > 0 { half } else { 0 }, half, distance.unsigned_abs())
    } else {
        (0, buckets, (-distance).max(0) as u64)
    };
    let exact = buckets / 2;
    if n < exact as u64 {
        return (first as u64 + n) as u32;
    }
    let scale = libm::log(max_distance as f64 / exact as f64);
    let beyond = libm::log(n as f64 / exact as f64) / scale * (buckets - exact) as f64;
    (first + (exact + beyond as usize).min(buckets - 1)) as u32
}

/// The slopes of ALiBi: a geometric series from `2^{-8/n}` where the number of heads n is a power of two; otherwise that of
/// the power below, and then every second one of the power above.
#[must_use]
pub fn alibi_slopes(heads: usize) -> Vec<f64> {
    let series = |n: usize| (1..=n).map(move |i| libm::exp2(-8.0 * i as f64 / n as f64));
    if heads.is_power_of_two() {
        return series(heads).collect();
    }
    let below = heads.next_power_of_two() / 2;
    series(below).chain(series(2 * below).step_by(2)).take(heads).collect()
}
