//! A round of the competition that one set plays with itself: exported as a team's defence, split, and attacked.

use std::path::{Path, PathBuf};

use wfkit_classify::Samples;
use wfkit_competition::{
    Prediction, Rules, SplitOptions, Verif, capture_ids, check_attack, check_defense, export_defense, read_captures,
    read_defense, score, split, write_attack,
};
use wfkit_datasets::formats::ReadLimits;
use wfkit_datasets::{Findings, TraceSet};
use wfkit_metrics::{PrivacyReport, Utility};

use crate::error::file;
use crate::{ExperimentError, Setting, attack};

/// The team that the files are of.
const TEAM: u64 = 1;

/// A round that was played.
#[derive(Debug)]
pub struct CompetitionRound {
    /// The scores, or why there are none: a set that allows no round, such as one class, is no error.
    pub findings: Findings,
    /// The files that were scored; none where there are no scores.
    pub scored: Vec<PathBuf>,
}

impl CompetitionRound {
    /// Plays it by these rules in a folder, which gets the defence file, its parts and the attack file. The set has one copy of each load.
    ///
    /// # Errors
    /// A set that cannot be exported, and files that cannot be written.
    pub fn play(
        set: &TraceSet,
        rules: &Rules,
        attack: &str,
        folder: &Path,
        setting: Setting<'_>,
    ) -> Result<Self, ExperimentError> {
        let defence = folder.join("defence.csv.zip");
        let export = export_defense(set, &defence, rules).map_err(file)?;
        if !export.report.accepted {
            let problems = &export.report.problems;
            setting.observer.warn(&format!("the competition would refuse {}: {problems}", defence.display()));
        }
        let (findings, scored) = match scores(&defence, folder, attack, rules, setting) {
            Ok(played) => played,
            Err(error) => {
                let privacy = PrivacyReport::unmeasured(attack, &error.in_words());
                (Findings::new(Utility::of(&set.volumes()), privacy), Vec::new())
            }
        };
        Ok(Self { findings, scored })
    }
}

/// The scores of a defence file that is attacked, and the files that tell them.
fn scores(
    defence: &Path,
    folder: &Path,
    name: &str,
    rules: &Rules,
    setting: Setting<'_>,
) -> Result<(Findings, Vec<PathBuf>), ExperimentError> {
    let uploaded = check_defense(defence, None, &ReadLimits::UPLOAD, None).map_err(file)?.accepted().map_err(file)?;
    let test_traces = (uploaded.len() / 5).clamp(rules.classes, SplitOptions::TEST_TRACES.max(rules.classes));
    let options = SplitOptions { team_id: TEAM, test_traces, seed: setting.seed };
    let files = split(&uploaded, &options, folder).map_err(file)?;
    let attack = attack(name)?;
    let train = read_defense(&files.train, &ReadLimits::OWN).map_err(file)?;
    let fitted = attack.fit(Samples::Traces(&train), setting.seed)?;
    let captures = read_captures(&files.test, &ReadLimits::OWN).map_err(file)?;
    let probabilities = fitted.predict(Samples::Traces(&captures))?;
    let answers = folder.join("attack.csv.zip");
    let capture_ids = capture_ids(&captures);
    let prediction = Prediction { team_id: TEAM, capture_ids: &capture_ids, probabilities: &probabilities };
    write_attack(&[prediction], rules.classes, &answers).map_err(file)?;
    let verifs = [Verif::named(&files.verif)];
    let checked = check_attack(&answers, &verifs, rules, &ReadLimits::UPLOAD).map_err(file)?;
    let scored = score(Some(&checked.accepted().map_err(file)?), Some(&uploaded)).map_err(file)?;
    let mut findings = scored.findings(attack.name());
    findings
        .count("train traces", files.train_traces)
        .count("test traces", files.test_traces)
        .count("test traces with a twin to train on", files.twins_in_train);
    Ok((findings, vec![answers, files.verif, defence.to_owned()]))
}
