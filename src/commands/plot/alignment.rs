//! `wfkit plot alignment`: one trace beside what a class expects.

use anyhow::{Context as _, Result, anyhow};
use wfkit_classify::Samples;
use wfkit_datasets::{Picked, class_called, digests, report_path};
use wfkit_evaluate::read_model;
use wfkit_metrics::Utility;
use wfkit_report::text::ExplainedAlignment;

use crate::cli::PlotAlignment;
use crate::context::{Context, drawn_as, write_picture};
use crate::input::{check_observed, list, read_traces};

pub(super) fn run(options: &PlotAlignment, context: &Context<'_>) -> Result<()> {
    drawn_as(&options.out)?;
    let fitted = read_model(&options.model)?;
    let attack = &fitted.about().attack;
    let model = fitted.model().alignment().with_context(|| {
        format!(
            "{}: a model of the attack {attack} without an alignment, so there is nothing to show; train one with \
             wfkit train TRACES --attack alignment --out MODEL",
            options.model.display()
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
    let explained = ExplainedAlignment::of(&fitted, model, &probabilities, labelled, asked)
        .map_err(|class| anyhow!("class {class}: the alignment has learned from no trace of it"))?;
    write_picture(&options.out, &explained.picture(labelled))?;
    let mut findings = explained.findings((attack, model), (labelled, row), Utility::of(&one.volumes()));
    findings.dropped = traces.dropped;
    let inputs: Vec<_> = std::iter::once(&options.model).chain(options.traces.iter()).cloned().collect();
    let mut report = context.report("plot alignment", digests(&inputs)?, findings);
    context.finish(&mut report, Some(&options.out))?;
    context.printer.shown(&report, || {
        let (picture, data) = (options.out.display(), report_path(&options.out));
        explained.text(labelled, |more| format!("{picture}, with its data in {}{more}", data.display()))
    })
}
