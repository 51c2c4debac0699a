//! The same bytes say the same, on a disk, in memory, or behind a reader that gives them one by one.

use std::io::{Cursor, Read, Seek, SeekFrom, Write as _};

use wfkit_competition::{CompetitionScore, Verif, check_attack, check_defense, read_captures, read_truth, score};
use wfkit_datasets::formats::{ReadLimits, Source};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::fixture::{RULES, SETS, path, verif};

const LIMITS: ReadLimits = ReadLimits::UPLOAD;

/// Gives a byte at a time.
struct Trickle(Cursor<Vec<u8>>);

impl Read for Trickle {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let most = buffer.len().min(1);
        self.0.read(&mut buffer[..most])
    }
}

impl Seek for Trickle {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.0.seek(to)
    }
}

fn zipped(text: &[u8]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file("a.csv", SimpleFileOptions::default()).unwrap();
    archive.write_all(text).unwrap();
    archive.finish().unwrap().into_inner()
}

fn scored<'a>(attack: impl Into<Source<'a>>, defense: impl Into<Source<'a>>, verifs: &[Verif]) -> CompetitionScore {
    let attack = check_attack(attack, verifs, None, &LIMITS).unwrap().accepted().unwrap();
    let defense = check_defense(defense, None, &LIMITS, None).unwrap().accepted().unwrap();
    score(Some(&attack), Some(&defense)).unwrap()
}

#[test]
fn a_whole_round_needs_no_disk() {
    for set in SETS {
        let (defense, attack) = (path(set, "defence_input.csv"), path(set, "attack_input.csv"));
        let bytes = |file: &str| std::fs::read(path(set, file)).unwrap();
        let (defense_bytes, attack_bytes) = (bytes("defence_input.csv"), bytes("attack_input.csv"));
        let truth = verif(set);
        let in_memory = Verif::of_bytes(1, "truth", bytes("split_intended_verif.csv"));
        let on_disk = scored(&attack, &defense, &[truth]);
        for (defense, attack) in
            [(defense_bytes.clone(), attack_bytes.clone()), (zipped(&defense_bytes), zipped(&attack_bytes))]
        {
            let upload = |bytes| Source::bytes("upload", bytes);
            let verifs = [in_memory.clone()];
            assert_eq!(scored(upload(&attack), upload(&defense), &verifs), on_disk);
            let trickle = |bytes: &[u8]| Source::reader("upload", Trickle(Cursor::new(bytes.to_vec())));
            assert_eq!(scored(trickle(&attack), trickle(&defense), &verifs), on_disk);
            assert!(check_attack(upload(&attack), &verifs, &RULES, &LIMITS).unwrap().report.accepted);
            let checked = check_defense(trickle(&defense), &RULES, &LIMITS, None).unwrap().report;
            assert_eq!(checked.path.to_str(), Some("upload"));
            assert_eq!(checked.rows, check_defense(upload(&defense), &RULES, &LIMITS, None).unwrap().report.rows);
        }
        let test = bytes("split_intended_test.csv");
        let captures = read_captures(Source::bytes("test", &test), &LIMITS).unwrap();
        assert_eq!(captures.traces(), read_captures(&path(set, "split_intended_test.csv"), &LIMITS).unwrap().traces());
        let truth = bytes("split_intended_verif.csv");
        assert_eq!(read_truth(Source::bytes("truth", &truth), &LIMITS).unwrap().len(), captures.len());
    }
}

#[test]
fn a_reader_is_read_from_where_it_stands() {
    let text = std::fs::read(path(SETS[0], "split_intended_verif.csv")).unwrap();
    let truth = read_truth(Source::bytes("truth", &text), &LIMITS).unwrap();
    for bytes in [text.clone(), zipped(&text)] {
        let mut behind = Cursor::new([b"what stands before".as_slice(), &bytes].concat());
        behind.set_position(18);
        assert_eq!(read_truth(Source::reader("truth", behind), &LIMITS).unwrap(), truth);
        let mut beyond = Cursor::new(bytes);
        beyond.set_position(1 << 40);
        let error = read_truth(Source::reader("truth", beyond), &LIMITS).unwrap_err().to_string();
        assert_eq!(error, "truth: empty; expected the columns capture_id,cell_id");
    }
}

#[test]
fn errors_name_what_was_uploaded_and_limits_hold_without_a_disk() {
    let error = read_truth(Source::bytes("team_1_verif.csv", b"capture_id,cell_id\nx,1\n"), &LIMITS).unwrap_err();
    assert!(error.to_string().starts_with("team_1_verif.csv: "), "{error}");
    let few = ReadLimits { rows: 3, ..LIMITS };
    let bytes = std::fs::read(path(SETS[0], "defence_input.csv")).unwrap();
    let checked = check_defense(Source::bytes("upload", &bytes), &RULES, &few, None).unwrap().report;
    assert!(!checked.accepted && checked.problems.to_string().contains("3 rows"), "{}", checked.problems);
    // A bomb: a hundred million zeros.
    let bomb = zipped(&vec![b'0'; 100_000_000]);
    let checked = check_defense(Source::bytes("bomb", &bomb), &RULES, &LIMITS, None).unwrap().report;
    assert!(!checked.accepted, "{}", checked.problems);
}
