"""Which choices of training make networks as robust to FGSM as the paper's?"""
