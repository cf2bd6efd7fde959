SELECT detector.id AS dim_detector, exposure.id AS dim_exposure, exposure.day_obs AS dim_day_obs, exposure."group" AS dim_group, exposure.physical_filter AS dim_physical_filter
FROM element_detector AS detector, element_exposure AS exposure
WHERE exposure.instrument = detector.instrument AND ((SELECT ranges.end_ns
FROM validity_2 AS ranges
WHERE ranges.dataset_type_id = ? AND ranges.dim_instrument = detector.instrument AND ranges.dim_detector = detector.id AND ranges.collection_id = ? AND ranges.begin_ns < exposure.timespan_end ORDER BY ranges.begin_ns DESC
 LIMIT ? OFFSET ?) > exposure.timespan_begin OR (EXISTS (SELECT 1
FROM membership_2 AS always_valid
WHERE always_valid.dataset_type_id = ? AND always_valid.dim_instrument = detector.instrument AND always_valid.dim_detector = detector.id AND always_valid.collection_id IN (?))) AND exposure.timespan_end > ? AND exposure.timespan_begin < ?)
