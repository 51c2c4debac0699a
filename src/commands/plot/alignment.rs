//! `wfkit plot alignment`: one trace beside what a class expects.

use anyhow::{Context as _, Result, anyhow};
use wfkit_classify::Samples;
use wfkit_datasets::{Picked, class_called};
use wfkit_metrics::{PrivacyReport, Utility};

use crate::cli::PlotAlignment;
use crate::commands::predict::load;
use crate::context::{Context, count, drawn_as, write_picture};
use crate::input::{check_observed, list, read_traces};
use wfkit_datasets::{digests, report_path};
use wfkit_report::text::ExplainedAlignment;

pub(super) fn run(options: &PlotAlignment, context: &Context<'_>) -> Result<()> {
    drawn_as(&options.out)?;
    let fitted = load(&options.model)?;
    let model = fitted.model().alignment().with_context(|| {
        let (path, attack) = (options.model.display(), &fitted.about().attack);
        format!(
            "{path}: a model of the attack {attack} without an alignment, so there is nothing to show; train one with \
             wfkit train TRACES --attack alignment --out MODEL"
        )
    })?;
    let traces = read_traces(&options.traces, context)?;
    let set = &traces.set;
    let asked = options.class.as_deref().map(|name| class_called(name, fitted.classes(), "the model")).transpose()?;
    let picked = Picked { trace: options.trace.as_deref(), row: options.row, class: options.class.as_deref() };
    let row = picked.of(set, &list(&options.traces))?;
    let one = set.select(&[row]);
    let observed = Samples::Traces(&one).observed();
    check_observed(fitted.about().observed.as_ref(), observed.as_ref(), options.any_layer, context)?;

    let labelled = &set.traces()[row];
    let probabilities = fitted.predict(Samples::Traces(&one))?;
    let explained = ExplainedAlignment::of(&fitted, model, &probabilities, labelled, asked);
    let explained =
        explained.map_err(|class| anyhow!("class {class}: the alignment has learned from no trace of it"))?;
    let finding = explained.finding();
    write_picture(&options.out, &explained.picture(labelled))?;

    let mut privacy = PrivacyReport::unmeasured(&fitted.about().attack, "one trace is explained, none is scored");
    privacy.extras.set("finding", &finding).set("verdict", explained.verdict());
    privacy.extras.set("alignment", explained.told(labelled, row));
    let inputs: Vec<_> = std::iter::once(&options.model).chain(&options.traces).cloned().collect();
    let mut report = context.stage("plot alignment", digests(&inputs)?, Utility::of(&one.volumes()), privacy);
    report.dropped = traces.dropped;
    count(&mut report.counts, "columns", model.columns(explained.index()));
    count(&mut report.counts, "runs", explained.runs());
    count(&mut report.counts, "runs beyond the first 500, not looked at", model.runs_left_out(&labelled.trace));
    count(&mut report.counts, "steps", explained.steps());
    context.finish(&mut report, Some(&options.out))?;
    context.printer.shown(&report, || {
        let (picture, data) = (options.out.display(), report_path(&options.out));
        explained.text(labelled, |more| format!("{picture}, with its data in {}{more}", data.display()))
    })
}
