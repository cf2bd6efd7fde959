SELECT exposure.instrument AS dim_instrument, exposure.id AS dim_exposure, exposure.day_obs AS dim_day_obs, exposure."group" AS dim_group, exposure.physical_filter AS dim_physical_filter
FROM element_exposure AS exposure
WHERE 1 = 1 ORDER BY exposure.tracking_ra DESC NULLS FIRST, exposure.obs_id ASC
