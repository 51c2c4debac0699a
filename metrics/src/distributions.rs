//! Distributions that intervals and tests are made of.

/// The 97.5th percentile of the standard normal distribution.
pub(crate) const Z_95: f64 = 1.959_963_984_540_054;

/// What |T| exceeds with probability 0.05, by bisection.
pub(crate) fn student_t_95(freedom: f64) -> f64 {
    let (mut low, mut high) = (1.0, 16.0); // 1.96 with infinitely many degrees of freedom, 12.7 with one
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if student_t_two_sided(middle, freedom) > 0.05 { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

/// P(X <= x) for X the successes among `n` trials that succeed with probability `p`: I_{1-p}(n - x, x + 1). Both may be fractions, for
/// trials that are worth less than independent ones; 0 below 0, 1 from `n` on.
pub(crate) fn binomial_at_most(x: f64, n: f64, p: f64) -> f64 {
    if x <= -1.0 {
        0.0
    } else if x >= n {
        1.0
    } else {
        incomplete_beta(n - x, x + 1.0, 1.0 - p)
    }
}

/// P(|T| >= |t|) for Student's t: I_{v/(v + t^2)}(v/2, 1/2).
pub(crate) fn student_t_two_sided(t: f64, freedom: f64) -> f64 {
    if t.is_infinite() {
        return 0.0;
    }
    incomplete_beta(freedom / 2.0, 0.5, freedom / (freedom + t * t))
}

/// The regularised incomplete beta function by its continued fraction (NIST Digital Library of Mathematical Functions,
/// 8.17.22), evaluated as J. Lentz's method does.
fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(b, a, 1.0 - x);
    }
    let front = (a * x.ln() + b * (1.0 - x).ln() + ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b)).exp() / a;
    let (mut c, mut d) = (1.0, 1.0 / (1.0 - (a + b) * x / (a + 1.0)));
    let mut fraction = d;
    for m in 1..500 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let before = fraction;
        for term in [even, odd] {
            d = 1.0 / (1.0 + term * d);
            c = 1.0 + term / c;
            fraction *= c * d;
        }
        if (fraction - before).abs() <= 1e-16 * fraction.abs() {
            break;
        }
    }
    front * fraction
}

/// C. Lanczos's approximation with g = 7 and nine terms; relative error about 1e-15 for x >= 0.5, and the recurrence below that.
fn ln_gamma(x: f64) -> f64 {
    const TERMS: [f64; 8] = [
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    if x < 0.5 {
        return ln_gamma(x + 1.0) - x.ln();
    }
    let x = x - 1.0;
    let sum: f64 = 0.999_999_999_999_809_9 + (1..).zip(TERMS).map(|(i, term)| term / (x + f64::from(i))).sum::<f64>();
    let t = x + 7.5;
    0.5 * (2.0 * std::f64::consts::PI).ln() + (x + 0.5) * t.ln() - t + sum.ln()
}
