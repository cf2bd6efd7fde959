SELECT exposure.instrument AS dim_instrument, exposure.id AS dim_exposure, exposure.day_obs AS dim_day_obs, exposure."group" AS dim_group, exposure.physical_filter AS dim_physical_filter
FROM element_exposure AS exposure
WHERE exposure.timespan_begin < %(value2)s::BIGINT AND %(value1)s::BIGINT < exposure.timespan_end AND coalesce(exposure.timespan_end, 0) > %(value3)s::BIGINT
