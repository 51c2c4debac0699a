//! What is answered: tokens, their lengths, and when they come.

use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use wfkit_metrics::seed::mix;

use crate::draws::normal;

/// Letters of the words of English text, from 1 on: shares in percent of 743 billion words of Google Books (P. Norvig, "English Letter
/// Frequency Counts: Mayzner Revisited", 2012).
const WORD_LENGTHS: [f64; 20] = [
    2.998, 17.651, 20.511, 14.787, 10.700, 8.388, 7.939, 5.943, 4.437, 3.076, 1.761, 0.958, 0.518, 0.222, 0.076, 0.020,
    0.010, 0.004, 0.001, 0.001,
];

/// A word of more letters is two tokens.
const LONGEST_TOKEN: usize = 9;

/// After how many words there is a mark of punctuation, on average.
const WORDS_A_MARK: f64 = 12.0;

/// Tokens of an answer: the median of the conversations in the Azure LLM inference trace of 2023 (P. Patel and others, "Splitwise",
/// ISCA 2024), and about their spread, in logarithms.
const TOKENS: f64 = 129.0;
const TOKENS_SPREAD: f64 = 0.5;

/// Milliseconds between tokens, by share of all gaps: the median and the 99th percentile that vLLM measured of a model of 27 billion
/// parameters which 16 ask at once (github.com/vllm-project/vllm, pull request 33743); the other points make the mean that of the same table.
const PACE: [(f64, f64); 5] = [(0.0, 40.0), (0.5, 46.55), (0.95, 48.65), (0.99, 258.31), (1.0, 258.31)];

/// How much topics differ in how often they use words of a length: standard deviation of logarithms.
const TOPICS_DIFFER: f64 = 0.35;

/// Answers on one topic have much in common, as those to a hundred ways to ask one thing: share of tokens that are others from question to
/// question, and how much longer or shorter answers are (standard deviation of logarithms; of topics it is [`TOKENS_SPREAD`]).
const ASKED_OTHERWISE: f64 = 0.25;
const QUESTIONS_DIFFER: f64 = 0.2;

/// Share of tokens that are others when a question is asked again.
const SAID_OTHERWISE: f64 = 0.2;
/// How much longer or shorter an answer is then.
const LENGTH_VARIES: f64 = 0.1;

/// Topics, from a seed.
#[derive(Debug)]
pub(super) struct Model {
    seed: u64,
    scale: f64,
    /// Share of questions that get another answer in every session than in the one before.
    drift: f64,
}

impl Model {
    pub(super) fn new(seed: u64, scale: f64, drift: f64) -> Self {
        Self { seed, scale, drift }
    }

    fn randomness(&self, topic: u32, of: u64) -> Xoshiro256PlusPlus {
        Xoshiro256PlusPlus::seed_from_u64(mix(mix(mix(self.seed, 9), topic.into()), of))
    }

    /// The text of a question, which names its topic and number.
    pub(super) fn question(&self, topic: u32, number: u32) -> String {
        let mut randomness = self.randomness(topic, 2 * u64::from(number) + 1);
        let mut text = format!("{topic}/{number}:");
        for _ in 0..randomness.random_range(4..24) {
            text.push(' ');
            text.extend(std::iter::repeat_n('q', drawn(&WORD_LENGTHS, &mut randomness) + 1));
        }
        text
    }

    /// Topic and number of a question.
    pub(super) fn parse(question: &str) -> Option<(u32, u32)> {
        let (topic, number) = question.split_once(':')?.0.split_once('/')?;
        Some((topic.parse().ok()?, number.parse().ok()?))
    }

    /// The tokens of an answer, in bytes. Asked again, most are the same.
    pub(super) fn answer(&self, question: (u32, u32), session: u32, trial: &mut Xoshiro256PlusPlus) -> Vec<usize> {
        let (topic, number) = question;
        let mut of_topic = self.randomness(topic, 0);
        let weights = differing(&WORD_LENGTHS, TOPICS_DIFFER, &mut of_topic);
        let usual = TOKENS * self.scale * (TOKENS_SPREAD * normal(&mut of_topic)).exp();
        let revised = mix(self.revision(question, session), 2 * u64::from(number) + 2);
        let mut of_question = self.randomness(topic, revised);
        let usual = usual * (QUESTIONS_DIFFER * normal(&mut of_question)).exp();
        let count = (usual * (1.0 + trial.random_range(-LENGTH_VARIES..LENGTH_VARIES))).round().max(3.0) as usize;
        let mut coin = self.randomness(topic, mix(revised, 1));
        let mut tokens = Vec::new();
        while tokens.len() < count {
            // All three are drawn in any case, so that what follows stays the same.
            let [of_topic, of_question, of_trial] =
                [&mut of_topic, &mut of_question, &mut *trial].map(|of| word(&weights, of));
            let is_topics = !coin.random_bool(ASKED_OTHERWISE);
            tokens.extend(if trial.random_bool(SAID_OTHERWISE) {
                of_trial
            } else if is_topics {
                of_topic
            } else {
                of_question
            });
        }
        tokens.truncate(count);
        tokens
    }

    /// How often the answer changed until a session.
    fn revision(&self, (topic, number): (u32, u32), session: u32) -> u64 {
        let mut randomness = self.randomness(topic, mix(1 << 42, number.into()));
        (0..session).map(|_| u64::from(randomness.random_bool(self.drift))).sum()
    }

    /// Which share of answers is expected to be other than in the first session.
    pub(super) fn share_changed(&self, session: u32) -> f64 {
        1.0 - (1.0 - self.drift).powi(session as i32)
    }
}

/// Time until the next token.
pub(super) fn gap(randomness: &mut Xoshiro256PlusPlus) -> Duration {
    let at: f64 = randomness.random();
    let above = PACE.iter().position(|(share, _)| *share > at).unwrap_or(PACE.len() - 1);
    let ((low, from), (high, to)) = (PACE[above - 1], PACE[above]);
    Duration::from_secs_f64((from + (to - from) * (at - low) / (high - low)) / 1000.0)
}

/// A word, and maybe a mark behind it: bytes of each token; a word brings its blank.
fn word(weights: &[f64; 20], randomness: &mut Xoshiro256PlusPlus) -> Vec<usize> {
    let letters = drawn(weights, randomness) + 1;
    let mut tokens = match letters {
        1..=LONGEST_TOKEN => vec![letters + 1],
        _ => vec![letters / 2 + 1, letters - letters / 2],
    };
    if randomness.random_bool(1.0 / WORDS_A_MARK) {
        tokens.push(1);
    }
    tokens
}

/// Weights that are larger or smaller at random.
fn differing(weights: &[f64; 20], by: f64, randomness: &mut Xoshiro256PlusPlus) -> [f64; 20] {
    weights.map(|weight| weight * (by * normal(randomness)).exp())
}

/// An index, by weight.
fn drawn(weights: &[f64; 20], randomness: &mut Xoshiro256PlusPlus) -> usize {
    let mut left = randomness.random_range(0.0..weights.iter().sum::<f64>());
    weights
        .iter()
        .position(|weight| {
            left -= weight;
            left < 0.0
        })
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
        values.sort_by(f64::total_cmp);
        values[(share * values.len() as f64) as usize]
    }

    fn mean(values: &[f64]) -> f64 {
        values.iter().sum::<f64>() / values.len() as f64
    }

    #[test]
    fn gaps_and_lengths_are_as_published() {
        let mut randomness = Xoshiro256PlusPlus::seed_from_u64(1);
        let gaps: Vec<f64> = (0..100_000).map(|_| gap(&mut randomness).as_secs_f64() * 1000.0).collect();
        assert!((mean(&gaps) - 51.78).abs() < 0.5, "{}", mean(&gaps));
        assert!((quantile(gaps.clone(), 0.5) - 46.55).abs() < 0.5);
        assert!((quantile(gaps, 0.992) - 258.31).abs() < 0.5);

        let words: Vec<f64> = (0..100_000).map(|_| drawn(&WORD_LENGTHS, &mut randomness) as f64 + 1.0).collect();
        assert_eq!([0.25, 0.5, 0.7, 0.95].map(|share| quantile(words.clone(), share)), [3.0, 4.0, 6.0, 10.0]);

        let model = Model::new(1, 1.0, 0.0);
        let lengths: Vec<f64> =
            (1..=2000).map(|topic| model.answer((topic, 0), 0, &mut randomness).len() as f64).collect();
        assert!((quantile(lengths.clone(), 0.5) / 129.0 - 1.0).abs() < 0.1, "{}", quantile(lengths, 0.5));
    }

    /// How many of two answers' tokens are equal at the same place.
    fn equal(one: &[usize], other: &[usize]) -> f64 {
        one.iter().zip(other).filter(|(one, other)| one == other).count() as f64 / one.len().min(other.len()) as f64
    }

    #[test]
    fn answers_to_one_question_are_alike_and_those_on_one_topic_a_little() {
        let model = Model::new(1, 1.0, 0.5);
        let mut trial = Xoshiro256PlusPlus::seed_from_u64(2);
        let first = model.answer((3, 4), 0, &mut trial);
        let lengths: Vec<f64> = (0..50).map(|_| model.answer((3, 4), 0, &mut trial).len() as f64).collect();
        assert!(lengths.iter().all(|length| (length / first.len() as f64 - 1.0).abs() < 0.25));
        assert_ne!(model.answer((3, 4), 0, &mut trial), first);
        // How often tokens are equal at the same place, before words of two tokens and marks have moved them.
        let mut agree = |topics: u32, questions: u32| {
            let pairs = (0..300).map(|at| {
                let asked = [(at, 5), (at + topics, 5 + questions)];
                let [one, other] = asked.map(|question| model.answer(question, 0, &mut trial));
                equal(&one[..3], &other[..3])
            });
            mean(&pairs.collect::<Vec<_>>())
        };
        let (question, topic, none) = (agree(0, 0), agree(0, 1), agree(1, 0));
        assert!(question > topic + 0.1 && topic > none + 0.05, "{question}, {topic} and {none}");
        let changed = (0..200).filter(|&number| model.revision((1, number), 1) > 0).count();
        assert!((80..120).contains(&changed) && model.share_changed(1) == 0.5 && model.share_changed(0) == 0.0);
    }

    #[test]
    fn a_question_names_its_topic_and_number() {
        let model = Model::new(1, 1.0, 0.0);
        assert_eq!(Model::parse(&model.question(12, 345)), Some((12, 345)));
        assert_eq!(model.question(1, 2), model.question(1, 2));
        assert_eq!((Model::parse("hello"), Model::parse("1/x: y")), (None, None));
    }
}
