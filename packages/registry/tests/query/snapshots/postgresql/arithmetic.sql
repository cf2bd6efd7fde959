SELECT exposure.id AS dim_exposure, exposure.day_obs AS dim_day_obs, exposure."group" AS dim_group, exposure.physical_filter AS dim_physical_filter
FROM element_exposure AS exposure
WHERE exposure.instrument = %(param_1)s::VARCHAR COLLATE "C" AND exposure.id %% nullif(%(param_2)s::BIGINT, %(nullif_1)s::INTEGER) = %(param_3)s::BIGINT AND CAST(exposure.id AS DOUBLE PRECISION) / CAST(nullif(CAST(%(param_4)s::BIGINT AS DOUBLE PRECISION), %(nullif_2)s) AS NUMERIC) > %(param_5)s AND exposure.tracking_ra * %(param_6)s::BIGINT > %(param_7)s::BIGINT
