SELECT exposure.id AS dim_exposure, exposure.day_obs AS dim_day_obs, exposure."group" AS dim_group, exposure.physical_filter AS dim_physical_filter
FROM element_exposure AS exposure
WHERE exposure.instrument = ? AND exposure.id % nullif(?, ?) = ? AND CAST(exposure.id AS DOUBLE) / (nullif(CAST(? AS DOUBLE), ?) + 0.0) > ? AND exposure.tracking_ra * ? > ?
