//! What the numbers of this crate mean, to whoever shows them.

use metrics::Unit::{Bytes, Count};
use metrics::{describe_counter, describe_gauge};

/// Says it, to the recorder that is installed.
pub fn describe_metrics() {
    describe_executions();
    describe_reaches();
    describe_gauge!("orgata_store_data_bytes", Bytes, "Bytes of the data file");
    describe_gauge!(
        "orgata_store_free_bytes",
        Bytes,
        "Bytes in the data file that are free to be used again"
    );
    describe_gauge!("orgata_store_log_bytes", Bytes, "Bytes of the log beside the data file");
}

fn describe_executions() {
    describe_counter!(
        "orgata_executions_started_total",
        Count,
        "Executions that were started, children among them"
    );
    describe_counter!("orgata_executions_ended_total", Count, "Executions that ended, by how");
    describe_counter!("orgata_executions_purged_total", Count, "Executions whose histories were removed");
    describe_gauge!(
        "orgata_executions_active",
        Count,
        "Executions that are at work now; those that wait are not"
    );
    describe_counter!("orgata_steps_total", Count, "Attempts of steps that ended, by how");
    describe_counter!(
        "orgata_result_cache_total",
        Count,
        "Results of steps that were looked for or kept, by what came of it"
    );
    describe_counter!("orgata_schedule_runs_total", Count, "Due times of schedules, by what came of them");
}

fn describe_reaches() {
    describe_counter!(
        "orgata_guest_denials_total",
        Count,
        "Reaches of guests that were denied, by what they wanted"
    );
    describe_counter!(
        "orgata_model_requests_total",
        Count,
        "Requests to AI models, by provider and by what came of them"
    );
    describe_counter!(
        "orgata_model_tokens_total",
        Count,
        "Tokens that AI models read and wrote, by provider and kind"
    );
}
