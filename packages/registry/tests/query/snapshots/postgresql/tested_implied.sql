SELECT physical_filter.name AS dim_physical_filter, physical_filter.band AS dim_band
FROM element_physical_filter AS physical_filter
WHERE EXISTS (SELECT 1
FROM element_exposure AS exposure, membership_3 AS datasets_raw
WHERE datasets_raw.dataset_type_id = %(dataset_type_id_1)s::BIGINT AND datasets_raw.collection_id IN (%(param_1)s::BIGINT) AND datasets_raw.dim_instrument = exposure.instrument AND datasets_raw.dim_exposure = exposure.id AND exposure.instrument = physical_filter.instrument AND exposure.physical_filter = physical_filter.name
 LIMIT ALL OFFSET 0)
