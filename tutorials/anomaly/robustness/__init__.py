"""What makes networks withstand FGSM as well as the paper's? Choices of training."""
