"""What is done to a deployment on AWS beyond `sam deploy`, and the check of what is deployed."""
