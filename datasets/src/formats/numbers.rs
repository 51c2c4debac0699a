//! Numbers in text, each refused under the name of what is wrong with it.

/// A whole number between blanks, also where a tool wrote it as a float: `100.0` is 100.
pub fn whole_number(field: impl AsRef<[u8]>) -> Result<i64, &'static str> {
    let text = text(field.as_ref())?;
    if let Ok(number) = text.parse() {
        return Ok(number);
    }
    let number = finite_number(text)?;
    // Beyond 2^53 a float is no longer one whole number.
    if number.fract() != 0.0 || number.abs() > (1u64 << 53) as f64 {
        return Err("not a whole number");
    }
    Ok(number as i64)
}

/// A number between blanks that is neither NaN nor infinite.
pub fn finite_number(field: impl AsRef<[u8]>) -> Result<f64, &'static str> {
    let text = text(field.as_ref())?;
    match text.parse::<f64>() {
        _ if text.is_empty() => Err("empty"),
        Ok(number) if number.is_infinite() => Err("infinite"),
        Ok(number) if !number.is_nan() => Ok(number),
        _ => Err("not a number"),
    }
}

fn text(field: &[u8]) -> Result<&str, &'static str> {
    std::str::from_utf8(field.trim_ascii()).map_err(|_| "not UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers() {
        assert_eq!(whole_number(b" -7 "), Ok(-7));
        assert_eq!(whole_number(b"100.0"), Ok(100));
        assert_eq!(whole_number(b"9223372036854775807"), Ok(i64::MAX));
        assert_eq!(whole_number(b"9007199254740992.0"), Ok(1 << 53));
        assert_eq!(whole_number(b"9223372036854775808"), Err("not a whole number"));
        assert_eq!(whole_number(b"1.5"), Err("not a whole number"));
        assert_eq!(whole_number(b""), Err("empty"));
        assert_eq!(whole_number(b"x"), Err("not a number"));
    }

    #[test]
    fn finite_numbers() {
        assert_eq!(finite_number(b"1e-9"), Ok(1e-9));
        assert_eq!(finite_number(b"NaN"), Err("not a number"));
        assert_eq!(finite_number(b"1e999"), Err("infinite"));
        assert_eq!(finite_number(b"\xff"), Err("not UTF-8"));
    }
}
