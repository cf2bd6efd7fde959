SELECT exposure.id AS dim_exposure, exposure.day_obs AS dim_day_obs, exposure."group" AS dim_group, exposure.physical_filter AS dim_physical_filter
FROM element_exposure AS exposure
WHERE exposure.observation_type = %(value1)s::VARCHAR COLLATE "C" AND (EXISTS (SELECT 1
FROM membership_3 AS datasets_raw
WHERE datasets_raw.dataset_type_id = %(dataset_type_id_1)s::BIGINT AND datasets_raw.collection_id IN (%(param_1)s::BIGINT) AND datasets_raw.dim_instrument = exposure.instrument AND datasets_raw.dim_exposure = exposure.id))
