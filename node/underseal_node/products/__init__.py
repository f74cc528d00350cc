"""Products with their bills of materials: read, matched, calculated, published, kept true."""
