"""Names that vulture cannot see used; a name that is used nowhere does not belong here."""

# Fields that leave as JSON, by `asdict` or by a response's schema.
_.labelled_at  # features/domain/predictions.py
_.champion_version, _.champion_confidence, _.champion_decision  # shadow predictions
_.recall, _.assessed, _.has_drifted, _.overconfidence, _.created_at  # model cards
_.encoder_sha256, _.adapted_encoder_sha256
_.alternatives, _.label_set, _.expected_rank  # predictions
_.has_fix, _.resolved_by, _.hours_to_resolve
_.label_modes, _.change_id, _.is_new_label, _.cluster_size  # responses
_.alert_count, _.firing_count, _.from_at  # serving/api/incident_schemas.py
_.triaged_at  # features/store/tables/tracking.py
_.revoked_by  # serving/api/routine_schemas.py

# What the templates of the pages read.
_.champion_accuracy, _.ideal, _.misuse, _.segments, _.next_link, _.chart, _.purpose
_.has_earlier, _.unproven, _.allow_command, _.is_for_comparison, _.fits_nothing, _.is_hidden, HEIGHT
(
    _.radius,
    _.why_unusual,
    _.stale,
    _.storm,
    _.silent_heartbeats,
    _.breach_warnings,
    _.most_ranked,
    _.recently_resolved,
    _.are_any,
)
_.is_first_page, _.is_narrowed, _.is_waiting, _.is_worked_on, _.shown_severity, _.other_services
_.last_heard_at, _.answered_runbooks, _.other_runbooks, _.incident_count, _.rising

# Members of an enumeration that stored values and users name.
_.EDITED, _.RECOMMEND

# Read or called by a library: pydantic, SQLAlchemy, scikit-learn, numba, Jinja, MLflow, uvicorn.
_.max_seq_length, _.n_features_, _.isolation_level, _.CACHE_DIR, _.filters, _.globals
_.impl, _.cache_ok, _.process_bind_param, _.process_result_value, _.type_annotation_map
_load_pyfunc, app_from_environment, main
_.forward, _.inter_op_num_threads, _.intra_op_num_threads, _.enable_cpu_mem_arena  # torch, ONNX
_.log_severity_level, Encoding, deep, _.set_params

# For data scientists, who look at the fitted pipelines of a saved model.
load_fitted_model

# Limits that validation reads from its context, by their names.
_.max_batch_incidents, _.max_points, _.max_text_characters, _.max_series

# Named in annotations that are strings.
Axes, Future, MlflowVersion, NamesVersion, RegisteredModel

# What the contract tests, the notebooks and the benchmarks start from.
KINDS, _.definition, load_demo, precision_history, _.excludes_zero

# Fields of the answer about metric series.
_.duration_seconds

# What a fitted model says of itself.
_.examples_

# What the HTML parser of the standard library calls.
_.handle_starttag, _.handle_endtag, _.handle_data
