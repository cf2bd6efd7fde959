SELECT DISTINCT detector.id AS dim_detector, datasets_bias.dataset_id, datasets_bias.run_id
FROM element_exposure AS exposure, element_detector AS detector, LATERAL (SELECT datasets_bias.dim_instrument AS dim_instrument, datasets_bias.dim_detector AS dim_detector, datasets_bias.dataset_id AS dataset_id, datasets_bias.run_id AS run_id, datasets_bias.collection_id AS collection_id, datasets_bias.begin_ns AS begin_ns, datasets_bias.end_ns AS end_ns
FROM validity_2 AS datasets_bias
WHERE datasets_bias.dataset_type_id = %(dataset_type_id_1)s::BIGINT AND datasets_bias.dim_instrument = exposure.instrument AND datasets_bias.dim_detector = detector.id AND datasets_bias.collection_id = %(param_1)s::BIGINT AND datasets_bias.begin_ns >= coalesce((SELECT before_bias.begin_ns
FROM validity_2 AS before_bias
WHERE before_bias.dataset_type_id = %(dataset_type_id_2)s::BIGINT AND before_bias.dim_instrument = exposure.instrument AND before_bias.dim_detector = detector.id AND before_bias.collection_id = %(param_1)s::BIGINT AND before_bias.begin_ns <= exposure.timespan_begin ORDER BY before_bias.begin_ns DESC
 LIMIT %(param_2)s::INTEGER), %(coalesce_1)s::INTEGER) AND datasets_bias.begin_ns < exposure.timespan_end AND datasets_bias.end_ns > exposure.timespan_begin
 LIMIT ALL OFFSET 0) AS datasets_bias
WHERE detector.instrument = exposure.instrument AND datasets_bias.dim_instrument = exposure.instrument AND datasets_bias.dim_detector = detector.id AND exposure.instrument = %(param_3)s::VARCHAR COLLATE "C" AND exposure.id = %(param_4)s::BIGINT AND datasets_bias.begin_ns < exposure.timespan_end AND exposure.timespan_begin < datasets_bias.end_ns
