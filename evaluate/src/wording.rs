//! Results in words.

/// A share in two decimals without its zero, such as `.93`.
pub fn short(share: f64) -> String {
    let text = format!("{share:.2}");
    text.strip_prefix("0.").map_or(text.clone(), |decimals| format!(".{decimals}"))
}

/// The text as a sentence begins.
pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_begin_with_a_capital() {
        assert_eq!((capital("order of"), capital("")), ("Order of".to_owned(), String::new()));
    }
}
