SELECT DISTINCT detector.id AS dim_detector, datasets_bias.dataset_id, datasets_bias.run_id
FROM element_exposure AS exposure CROSS JOIN element_detector AS detector CROSS JOIN validity_2 AS datasets_bias
WHERE datasets_bias.dataset_type_id = ? AND datasets_bias.dim_instrument = exposure.instrument AND datasets_bias.dim_detector = detector.id AND datasets_bias.collection_id = ? AND datasets_bias.begin_ns >= coalesce((SELECT before_bias.begin_ns
FROM validity_2 AS before_bias
WHERE before_bias.dataset_type_id = ? AND before_bias.dim_instrument = exposure.instrument AND before_bias.dim_detector = detector.id AND before_bias.collection_id = ? AND before_bias.begin_ns <= exposure.timespan_begin ORDER BY before_bias.begin_ns DESC
 LIMIT ? OFFSET ?), ?) AND datasets_bias.begin_ns < exposure.timespan_end AND datasets_bias.end_ns > exposure.timespan_begin AND detector.instrument = exposure.instrument AND datasets_bias.dim_instrument = exposure.instrument AND datasets_bias.dim_detector = detector.id AND exposure.instrument = ? AND exposure.id = ? AND datasets_bias.begin_ns < exposure.timespan_end AND exposure.timespan_begin < datasets_bias.end_ns
