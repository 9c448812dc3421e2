"""The schema's history, run by Alembic from inside the package so that an installed wheel can migrate."""
