SELECT exposure.id AS dim_exposure, exposure.day_obs AS dim_day_obs, exposure."group" AS dim_group, exposure.physical_filter AS dim_physical_filter
FROM element_exposure AS exposure
WHERE exposure.instrument = %(param_1)s::VARCHAR COLLATE "C" AND (EXISTS (SELECT 1
FROM (SELECT each_range.dim_instrument AS dim_instrument, range_agg(int8range(each_range.begin_ns, each_range.end_ns)) AS times
FROM (SELECT DISTINCT validity_2.dim_instrument AS dim_instrument, validity_2.begin_ns AS begin_ns, validity_2.end_ns AS end_ns
FROM validity_2
WHERE validity_2.dataset_type_id = %(dataset_type_id_1)s::BIGINT AND validity_2.collection_id IN (%(param_2)s::BIGINT) AND validity_2.dim_instrument = %(dim_instrument_1)s::VARCHAR) AS each_range GROUP BY each_range.dim_instrument) AS merged_ranges
WHERE merged_ranges.dim_instrument = exposure.instrument AND CASE WHEN (exposure.timespan_begin < exposure.timespan_end) THEN int8range(exposure.timespan_begin, exposure.timespan_end) && merged_ranges.times ELSE false END))
