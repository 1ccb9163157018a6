//! Where a place of the reference lies in the ad.

/// A projective map of the plane, row by row; the last entry is 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Affine([f32; 9]);

/// A place in the reference, the same place in the ad, and how much the pair counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct PointPair {
    pub from: (f32, f32),
    pub to: (f32, f32),
    pub weight: f32,
}

/// What a map may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Freedom {
    /// Turn, scale and move; mirrored or not.
    Similar { mirrored: bool },
    /// Also stretch and shear.
    Affine,
    /// Also mild perspective.
    Projective,
}

/// How strongly the two terms of perspective are held to zero, so that they do not follow noise.
const STIFFNESS: f64 = 0.02;
/// Unknowns of a projective map.
const UNKNOWNS: usize = 8;

type Matrix = [f64; 9];
type Rows = [[f64; UNKNOWNS + 1]; UNKNOWNS];

impl Affine {
    /// A map that keeps parallels: `x' = a x + b y + c`, `y' = d x + e y + f`.
    pub fn fitted_affine([a, b, c, d, e, f]: [f32; 6]) -> Self {
        Self([a, b, c, d, e, f, 0.0, 0.0, 1.0])
    }

    /// Where a place of the reference lies in the ad.
    pub fn of(&self, (x, y): (f32, f32)) -> (f32, f32) {
        let m = &self.0;
        let depth = m[6] * x + m[7] * y + m[8];
        let depth = if depth.abs() < 1e-6 { 1e-6 } else { depth };
        (
            (m[0] * x + m[1] * y + m[2]) / depth,
            (m[3] * x + m[4] * y + m[5]) / depth,
        )
    }

    /// Ad pixels in a reference pixel at a place, signed: negative if mirrored.
    pub fn area(&self, (x, y): (f32, f32)) -> f32 {
        let (here, right, down) = (
            self.of((x, y)),
            self.of((x + 1.0, y)),
            self.of((x, y + 1.0)),
        );
        (right.0 - here.0) * (down.1 - here.1) - (right.1 - here.1) * (down.0 - here.0)
    }

    /// The map of that freedom nearest to the pairs, by least squares; `None` if they do not
    /// determine one.
    pub fn fitted(pairs: &[PointPair], freedom: Freedom) -> Option<Self> {
        let from = Frame::of(pairs, |pair| pair.from)?;
        let to = Frame::of(pairs, |pair| pair.to)?;
        let (mut rows, unknowns) = ([[0.0; UNKNOWNS + 1]; UNKNOWNS], freedom.unknowns());
        if 2 * pairs.len() < unknowns {
            return None;
        }
        for pair in pairs {
            let equations = freedom.equations(from.inner(pair.from), to.inner(pair.to));
            for equation in equations {
                add(&mut rows, &equation, f64::from(pair.weight), unknowns);
            }
        }
        if freedom == Freedom::Projective {
            let weight: f32 = pairs.iter().map(|pair| pair.weight).sum();
            rows[6][6] += f64::from(weight) * STIFFNESS;
            rows[7][7] += f64::from(weight) * STIFFNESS;
        }
        let inner = freedom.matrix(&solved(rows, unknowns)?);
        let whole = product(&to.outwards(), &product(&inner, &from.inwards()));
        let last = whole[8];
        let map = whole.map(|entry| (entry / last) as f32);
        map.iter()
            .all(|entry| entry.is_finite())
            .then_some(Self(map))
    }
}

impl Freedom {
    fn unknowns(self) -> usize {
        match self {
            Self::Similar { .. } => 4,
            Self::Affine => 6,
            Self::Projective => 8,
        }
    }

    /// The two linear equations of a pair: coefficients, then the right side.
    fn equations(self, (x, y): (f64, f64), (u, v): (f64, f64)) -> [[f64; UNKNOWNS + 1]; 2] {
        match self {
            Self::Similar { mirrored: false } => [
                [x, -y, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, u],
                [y, x, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, v],
            ],
            Self::Similar { mirrored: true } => [
                [x, y, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, u],
                [-y, x, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, v],
            ],
            Self::Affine => [
                [x, y, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, u],
                [0.0, 0.0, 0.0, x, y, 1.0, 0.0, 0.0, v],
            ],
            Self::Projective => [
                [x, y, 1.0, 0.0, 0.0, 0.0, -u * x, -u * y, u],
                [0.0, 0.0, 0.0, x, y, 1.0, -v * x, -v * y, v],
            ],
        }
    }

    fn matrix(self, s: &[f64; UNKNOWNS]) -> Matrix {
        match self {
            Self::Similar { mirrored: false } => {
                [s[0], -s[1], s[2], s[1], s[0], s[3], 0.0, 0.0, 1.0]
            }
            Self::Similar { mirrored: true } => {
                [s[0], s[1], s[2], s[1], -s[0], s[3], 0.0, 0.0, 1.0]
            }
            Self::Affine => [s[0], s[1], s[2], s[3], s[4], s[5], 0.0, 0.0, 1.0],
            Self::Projective => [s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], 1.0],
        }
    }
}

/// Places moved and scaled so that they lie around zero at distance one, which keeps the
/// equations well conditioned.
struct Frame {
    x: f64,
    y: f64,
    spread: f64,
}

impl Frame {
    fn of(pairs: &[PointPair], place: impl Fn(&PointPair) -> (f32, f32)) -> Option<Self> {
        let weighed = |value: &dyn Fn((f64, f64)) -> f64| {
            let one = |pair: &PointPair| {
                let (x, y) = place(pair);
                f64::from(pair.weight) * value((f64::from(x), f64::from(y)))
            };
            pairs.iter().map(one).sum::<f64>()
        };
        let weight = weighed(&|_| 1.0);
        let (x, y) = (weighed(&|p| p.0) / weight, weighed(&|p| p.1) / weight);
        let square = weighed(&|p| (p.0 - x) * (p.0 - x) + (p.1 - y) * (p.1 - y)) / weight;
        let spread = square.sqrt();
        (spread.is_finite() && spread > 1e-3).then_some(Self { x, y, spread })
    }

    fn inner(&self, (x, y): (f32, f32)) -> (f64, f64) {
        (
            (f64::from(x) - self.x) / self.spread,
            (f64::from(y) - self.y) / self.spread,
        )
    }

    fn inwards(&self) -> Matrix {
        let k = 1.0 / self.spread;
        [k, 0.0, -self.x * k, 0.0, k, -self.y * k, 0.0, 0.0, 1.0]
    }

    fn outwards(&self) -> Matrix {
        [
            self.spread,
            0.0,
            self.x,
            0.0,
            self.spread,
            self.y,
            0.0,
            0.0,
            1.0,
        ]
    }
}

fn product(a: &Matrix, b: &Matrix) -> Matrix {
    std::array::from_fn(|i| {
        let (row, column) = (i / 3 * 3, i % 3);
        (0..3).map(|k| a[row + k] * b[3 * k + column]).sum()
    })
}

/// Adds an equation to the normal equations.
fn add(rows: &mut Rows, equation: &[f64; UNKNOWNS + 1], weight: f64, unknowns: usize) {
    for i in 0..unknowns {
        for j in 0..unknowns {
            rows[i][j] += weight * equation[i] * equation[j];
        }
        rows[i][UNKNOWNS] += weight * equation[i] * equation[UNKNOWNS];
    }
}

/// Gauss and Jordan's elimination with pivots; `None` if the equations do not determine all.
fn solved(mut rows: Rows, unknowns: usize) -> Option<[f64; UNKNOWNS]> {
    for i in 0..unknowns {
        let pivot = (i..unknowns).max_by(|&a, &b| rows[a][i].abs().total_cmp(&rows[b][i].abs()))?;
        rows.swap(i, pivot);
        if rows[i][i].abs() < 1e-9 {
            return None;
        }
        let own = rows[i];
        for (r, row) in rows.iter_mut().enumerate().take(unknowns) {
            let share = row[i] / own[i];
            if r != i {
                let pairs = row.iter_mut().zip(&own).skip(i);
                pairs.for_each(|(entry, own)| *entry -= share * own);
            }
        }
    }
    let mut solution = [0.0; UNKNOWNS];
    for (i, value) in solution.iter_mut().enumerate().take(unknowns) {
        *value = rows[i][UNKNOWNS] / rows[i][i];
    }
    Some(solution)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(truth: Affine, freedom: Freedom) {
        let places = (0..25).map(|i| ((i % 5 * 90) as f32, (i / 5 * 70) as f32));
        let pairs: Vec<PointPair> = places
            .map(|from| PointPair {
                from,
                to: truth.of(from),
                weight: 1.0 + from.0 / 100.0,
            })
            .collect();
        let found = Affine::fitted(&pairs, freedom).expect("25 places determine it");
        for pair in &pairs {
            let (x, y) = found.of(pair.from);
            let off = (x - pair.to.0).abs() + (y - pair.to.1).abs();
            assert!(off < 0.5, "{freedom:?} is off by {off} px");
        }
    }

    #[test]
    fn a_fit_finds_the_map_that_made_the_pairs() {
        let turned = Affine::fitted_affine([0.8, -0.6, 30.0, 0.6, 0.8, -12.0]);
        check(turned, Freedom::Similar { mirrored: false });
        let mirrored = Affine::fitted_affine([-0.8, 0.6, 300.0, 0.6, 0.8, -12.0]);
        check(mirrored, Freedom::Similar { mirrored: true });
        assert!(mirrored.area((0.0, 0.0)) < 0.0);
        check(
            Affine::fitted_affine([1.2, 0.1, 3.0, -0.2, 0.7, 40.0]),
            Freedom::Affine,
        );
        let tilted = Affine([1.0, 0.1, 3.0, -0.1, 0.9, 40.0, 1e-4, -5e-5, 1.0]);
        check(tilted, Freedom::Projective);
    }

    #[test]
    fn pairs_in_one_place_determine_nothing() {
        let pair = PointPair {
            from: (3.0, 4.0),
            to: (5.0, 6.0),
            weight: 1.0,
        };
        assert_eq!(Affine::fitted(&[pair; 9], Freedom::Affine), None);
        assert_eq!(Affine::fitted(&[], Freedom::Affine), None);
    }
}
