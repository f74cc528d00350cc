"""Energy of a plant: read from meter and MES exports, kept, and allocated to products."""
