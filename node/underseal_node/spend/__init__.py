"""What is spent on suppliers, as the purchasing or accounting system says it."""
