//! Metrics for Prometheus: one recorder, rendered by `/metrics`.

use std::sync::Arc;

use anyhow::Context as _;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};

/// Renders the metrics as they stand.
pub(crate) type Render = Arc<dyn Fn() -> String + Send + Sync>;

/// Seconds, from tens of microseconds to half a minute.
const SECONDS: [f64; 12] =
    [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.01, 0.05, 0.25, 1.0, 5.0, 30.0];
/// Sizes of batches.
const COUNTS: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 512.0];

/// Installs the recorder. Call it once, before anything counts.
pub(crate) fn install() -> anyhow::Result<Render> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
        .and_then(|builder| builder.set_buckets_for_metric(Matcher::Suffix("_size".to_owned()), &COUNTS))
        .and_then(PrometheusBuilder::install_recorder)
        .context("the metrics recorder cannot be installed")?;
    orgata_engine::describe_metrics();
    orgata_sandbox::describe_metrics();
    orgata_api::describe_metrics();
    let upkeep = handle.clone();
    tokio::spawn(async move {
        // Histograms keep samples until somebody folds them together.
        let mut tick = tokio::time::interval(std::time::Duration::from_secs(5));
        loop {
            tick.tick().await;
            upkeep.run_upkeep();
        }
    });
    Ok(Arc::new(move || handle.render()))
}
