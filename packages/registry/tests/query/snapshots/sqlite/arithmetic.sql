SELECT exposure.id AS dim_exposure, exposure.day_obs AS dim_day_obs, exposure."group" AS dim_group, exposure.physical_filter AS dim_physical_filter
FROM element_exposure AS exposure
WHERE exposure.instrument = ? AND exposure.id % nullif(?, ?) = ? AND (SELECT CASE WHEN abs(v) <= 1.7976931348623157e308 THEN v END FROM (SELECT CAST(exposure.id AS DOUBLE) / nullif(CAST(? AS DOUBLE), ?) AS v LIMIT 1 OFFSET 0)) > ? AND (SELECT CASE WHEN abs(v) <= 1.7976931348623157e308 THEN v END FROM (SELECT CAST(exposure.tracking_ra AS DOUBLE) * CAST(? AS DOUBLE) AS v LIMIT 1 OFFSET 0)) > ?
