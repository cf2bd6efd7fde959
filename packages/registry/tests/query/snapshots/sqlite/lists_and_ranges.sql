SELECT detector.id AS dim_detector
FROM element_detector AS detector
WHERE detector.instrument = ? AND NOT (detector.id IN (?) OR detector.id BETWEEN ? AND ? AND (detector.id % ? + ?) % ? = ?) AND (detector.raft IN (?) OR detector.raft IS NULL)
