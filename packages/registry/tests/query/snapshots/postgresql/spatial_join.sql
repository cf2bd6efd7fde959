SELECT DISTINCT pixels_0_visit_detector_region.dim_detector AS dim_detector, pixels_0_patch.dim_patch AS dim_patch, pixels_0_visit_detector_region.dim_visit AS dim_visit
FROM overlap_patch AS pixels_0_patch, overlap_visit_detector_region AS pixels_0_visit_detector_region
WHERE pixels_0_visit_detector_region.dim_htm7 = pixels_0_patch.dim_htm7 AND pixels_0_patch.dim_skymap = %(value1)s::VARCHAR COLLATE "C" AND pixels_0_visit_detector_region.dim_instrument = %(value2)s::VARCHAR COLLATE "C" AND pixels_0_patch.dim_tract = %(value3)s::BIGINT
