SELECT exposure.id AS dim_exposure, exposure.day_obs AS dim_day_obs, exposure."group" AS dim_group, exposure.physical_filter AS dim_physical_filter
FROM element_exposure AS exposure
WHERE EXISTS (SELECT 1
FROM membership_3 AS datasets_raw
WHERE datasets_raw.dataset_type_id = ? AND datasets_raw.collection_id IN (?) AND datasets_raw.dim_instrument = exposure.instrument AND datasets_raw.dim_exposure = exposure.id AND (SELECT ranges.end_ns
FROM validity_2 AS ranges
WHERE ranges.dataset_type_id = ? AND ranges.dim_instrument = datasets_raw.dim_instrument AND ranges.dim_detector = datasets_raw.dim_detector AND ranges.collection_id = ? AND ranges.begin_ns < exposure.timespan_end ORDER BY ranges.begin_ns DESC
 LIMIT ? OFFSET ?) > exposure.timespan_begin)
