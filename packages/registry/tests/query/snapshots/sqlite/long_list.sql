SELECT exposure.instrument AS dim_instrument, exposure.id AS dim_exposure, exposure.day_obs AS dim_day_obs, exposure."group" AS dim_group, exposure.physical_filter AS dim_physical_filter
FROM element_exposure AS exposure
WHERE exposure.seq_num IN (SELECT anon_1.value
FROM json_each(?) AS anon_1)
