"""What every way of training needs: options, base model, loss, progress, run record."""
