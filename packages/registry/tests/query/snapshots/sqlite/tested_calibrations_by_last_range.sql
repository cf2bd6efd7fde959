SELECT exposure.id AS dim_exposure, exposure.day_obs AS dim_day_obs, exposure."group" AS dim_group, exposure.physical_filter AS dim_physical_filter
FROM element_exposure AS exposure
WHERE EXISTS (SELECT 1
FROM element_detector AS detector
WHERE detector.instrument = exposure.instrument AND (SELECT ranges.end_ns
FROM validity_2 AS ranges
WHERE ranges.dataset_type_id = ? AND ranges.dim_instrument = detector.instrument AND ranges.dim_detector = detector.id AND ranges.collection_id = ? AND ranges.begin_ns < exposure.timespan_end ORDER BY ranges.begin_ns DESC
 LIMIT ? OFFSET ?) > exposure.timespan_begin)
