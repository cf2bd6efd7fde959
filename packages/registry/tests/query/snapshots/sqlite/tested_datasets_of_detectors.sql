SELECT exposure.id AS dim_exposure, exposure.day_obs AS dim_day_obs, exposure."group" AS dim_group, exposure.physical_filter AS dim_physical_filter
FROM element_exposure AS exposure
WHERE exposure.instrument = ? AND exposure.id > ? AND (EXISTS (SELECT 1
FROM membership_3 AS datasets_raw CROSS JOIN element_detector AS detector
WHERE datasets_raw.dataset_type_id = ? AND datasets_raw.collection_id IN (?) AND detector.instrument = datasets_raw.dim_instrument AND detector.id = datasets_raw.dim_detector AND datasets_raw.dim_instrument = exposure.instrument AND datasets_raw.dim_exposure = exposure.id AND detector.raft = ?))
