SELECT detector.instrument AS dim_instrument, detector.id AS dim_detector
FROM element_detector AS detector
WHERE (detector.name_in_raft GLOB ?) OR detector.raft IS NULL
