SELECT DISTINCT datasets_raw.dim_exposure AS dim_exposure, exposure.day_obs AS dim_day_obs, exposure."group" AS dim_group, exposure.physical_filter AS dim_physical_filter
FROM element_exposure AS exposure CROSS JOIN membership_3 AS datasets_raw
WHERE datasets_raw.dataset_type_id = ? AND datasets_raw.collection_id IN (?) AND exposure.instrument = datasets_raw.dim_instrument AND exposure.id = datasets_raw.dim_exposure AND exposure.observation_type = ?
