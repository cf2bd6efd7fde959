SELECT exposure.id AS dim_exposure, exposure.day_obs AS dim_day_obs, exposure."group" AS dim_group, exposure.physical_filter AS dim_physical_filter
FROM element_exposure AS exposure
WHERE exposure.instrument = %(param_1)s::VARCHAR COLLATE "C" AND exposure.id > %(param_2)s::BIGINT AND (EXISTS (SELECT 1
FROM membership_3 AS datasets_raw, element_detector AS detector
WHERE datasets_raw.dataset_type_id = %(dataset_type_id_1)s::BIGINT AND datasets_raw.collection_id IN (%(param_3)s::BIGINT) AND detector.instrument = datasets_raw.dim_instrument AND detector.id = datasets_raw.dim_detector AND datasets_raw.dim_instrument = exposure.instrument AND datasets_raw.dim_exposure = exposure.id AND detector.raft = %(param_4)s::VARCHAR COLLATE "C"
 LIMIT ALL OFFSET 0))
