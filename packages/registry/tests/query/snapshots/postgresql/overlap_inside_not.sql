SELECT visit.instrument AS dim_instrument, tract.skymap AS dim_skymap, tract.id AS dim_tract, visit.id AS dim_visit, visit.day_obs AS dim_day_obs, visit.physical_filter AS dim_physical_filter
FROM element_tract AS tract, element_visit AS visit
WHERE NOT CASE WHEN (visit.region IS NULL OR tract.region IS NULL) THEN NULL ELSE EXISTS (SELECT *
FROM overlaps_0
WHERE visit.instrument = overlaps_0.instrument AND visit.id = overlaps_0.visit AND tract.skymap = overlaps_0.skymap AND tract.id = overlaps_0.tract) END
