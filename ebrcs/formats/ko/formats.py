"""Korean date formats: Django writes "6:30 오후", while Korean puts 오전 and 오후 before the hour."""

DATETIME_FORMAT = "Y년 n월 j일 A g:i"
