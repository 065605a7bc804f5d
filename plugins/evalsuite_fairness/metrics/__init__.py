"""What fairness probes compute: functions of arrays, and metrics of records."""
