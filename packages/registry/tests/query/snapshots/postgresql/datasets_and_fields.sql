SELECT DISTINCT datasets_raw.dim_exposure AS dim_exposure, exposure.day_obs AS dim_day_obs, exposure."group" AS dim_group, exposure.physical_filter AS dim_physical_filter
FROM membership_3 AS datasets_raw, element_exposure AS exposure
WHERE datasets_raw.dataset_type_id = %(dataset_type_id_1)s::BIGINT AND datasets_raw.collection_id IN (__[POSTCOMPILE_collection_id_1]) AND exposure.instrument = datasets_raw.dim_instrument AND exposure.id = datasets_raw.dim_exposure AND exposure.observation_type = %(param_1)s::VARCHAR COLLATE "C"
