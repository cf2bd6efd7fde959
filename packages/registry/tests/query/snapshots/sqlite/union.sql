SELECT all_band.band AS dim_band
FROM (SELECT DISTINCT element_physical_filter.band AS band
FROM element_physical_filter) AS all_band
WHERE 1 = 1
