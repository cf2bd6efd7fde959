SELECT DISTINCT datasets_bias.dim_detector AS dim_detector, exposure.day_obs AS dim_day_obs, exposure."group" AS dim_group, exposure.physical_filter AS dim_physical_filter
FROM (SELECT validity_2.dim_instrument AS dim_instrument, validity_2.dim_detector AS dim_detector, validity_2.dataset_id AS dataset_id, validity_2.run_id AS run_id, validity_2.collection_id AS collection_id, validity_2.begin_ns AS begin_ns, validity_2.end_ns AS end_ns
FROM validity_2
WHERE validity_2.dataset_type_id = %(dataset_type_id_1)s::BIGINT AND validity_2.collection_id IN (%(param_1)s::BIGINT)) AS datasets_bias, element_exposure AS exposure
WHERE exposure.instrument = datasets_bias.dim_instrument AND datasets_bias.dim_instrument = %(value1)s::VARCHAR COLLATE "C" AND exposure.id = %(value2)s::BIGINT AND datasets_bias.begin_ns < exposure.timespan_end AND exposure.timespan_begin < datasets_bias.end_ns
