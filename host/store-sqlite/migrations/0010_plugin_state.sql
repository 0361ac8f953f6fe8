-- What plugins keep for themselves, each in each runtime.

CREATE TABLE plugin_state (
    runtime TEXT NOT NULL,
    plugin  TEXT NOT NULL,
    key     TEXT NOT NULL,
    -- JSON, byte for byte as the plugin gave it.
    value   TEXT NOT NULL,
    PRIMARY KEY (runtime, plugin, key)
) STRICT, WITHOUT ROWID;
